"""Where may it go, on this date, to this party? Dated law as data, decided clause by clause with margins."""
