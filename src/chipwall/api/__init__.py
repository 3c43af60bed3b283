"""The public doors: words in, one :class:`~chipwall.answer.Answer` out.

``import chipwall as cw`` offers every function of this package; the command line calls the same ones. Names, dates, units
and quantities are parsed by :mod:`chipwall.inputs` here and nowhere below; engines get records.
"""
