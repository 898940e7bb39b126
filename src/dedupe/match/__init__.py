"""What is alike: signatures, candidates, exact verification."""
