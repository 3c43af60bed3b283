"""``python -m chipwall``."""

from chipwall.cli import main

if __name__ == "__main__":
    main()
