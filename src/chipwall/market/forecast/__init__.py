"""From the record to forecasts and their scores."""
