"""Where the stages run: worker processes on this machine."""
