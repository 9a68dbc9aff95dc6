"""`python -m pdtui`."""

from pdtui.cli.main import run

if __name__ == "__main__":
    run()
