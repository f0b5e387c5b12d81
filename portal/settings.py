SECRET_KEY = "replaced in a moment"
INSTALLED_APPS: list[str] = []
USE_TZ = True
