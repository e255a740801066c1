"""For all tests: log as the agent does, because structlog's own default prints local variables."""

import logging

from netmon import logs

logs.configure()
logging.getLogger("httpx").setLevel(logging.WARNING)  # a line a request hides what matters
