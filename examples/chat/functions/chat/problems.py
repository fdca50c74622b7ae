"""What can be wrong with a request, as the API answers it."""


class Problem(Exception):
    """Answered as JSON: `{"error": {"code": ..., "message": ...}}`."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
