# The platform as an image: nothing but the locked dependencies, the code, and a user without rights.
FROM python:3.11-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /venv
COPY requirements-s3.txt /
RUN /venv/bin/pip install --require-hashes -r /requirements-s3.txt

FROM python:3.11-slim
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN useradd --uid 10001 --no-create-home --home-dir /nonexistent baqylau \
    && install -d -o baqylau -g baqylau -m 700 /data /keys
COPY --from=build /venv /venv
WORKDIR /app
COPY . .
# Settings want a whole environment; none of these values is in what comes out.
RUN python scripts/messages.py compile \
    && COLLECT_STATIC=yes DATABASE_URL=postgres://build REDIS_URL=redis://build ALLOWED_HOSTS=build \
       SECRET_KEY=only-for-this-step-of-the-build-of-an-image FIELD_KEYS=b25seS1mb3ItdGhpcy1zdGVwLW9mLXRoZS1idWlsZCE= LOOKUP_KEY=only-to-look-nothing-up-while-building DATA_DIR=/tmp/build \
       python manage.py collectstatic --noinput -v0 \
    && python -m compileall -q /app
USER baqylau
EXPOSE 8000
CMD ["python", "-m", "config.serve"]
