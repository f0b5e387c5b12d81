from portal.settings import *  # noqa: F403
