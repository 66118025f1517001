"""Every error that a user can cause or cure descends from one class; its text says what, where, why and what to do."""


class PlatformError(Exception):
    """The command line prints the text and exits with 1; the API answers a problem document."""
