# The portal's image: one for web and worker. Build: docker build -t namespace-portal .
FROM python:3.11-slim-bookworm AS build
WORKDIR /app
RUN python -m venv /venv
COPY requirements.lock .
RUN /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.lock

FROM python:3.11-slim-bookworm
RUN useradd --uid 8737 --create-home portal
WORKDIR /app
COPY --from=build /venv /venv
COPY manage.py ./
COPY portal portal
COPY provisioning provisioning
COPY templates templates
COPY static static
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 BIND=0.0.0.0
# The manifest of hashed files belongs to the image; the key is for this one command.
RUN SECRET_KEY=only-to-collect-static-files-while-building python manage.py collectstatic --no-input --verbosity 0
USER 8737
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=3s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
CMD ["gunicorn", "-c", "portal/gunicorn_conf.py", "portal.wsgi"]
