"""The commands about an output in other hands, about people, and about the installation."""
