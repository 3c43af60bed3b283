"""The web app and the static site: a request becomes one call of the API, and ``report`` says the answer."""
