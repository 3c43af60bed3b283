"""Is this sentence true? Claims about chips as data, evaluated against facts, law, engines and scenarios.

``parse`` turns TOML into :class:`~chipwall.claims.records.Claim` records in a closed vocabulary, ``evaluate`` turns a claim
and a :class:`~chipwall.claims.library.Library` into a :class:`~chipwall.claims.records.Verdict`. No code in a claim is run.
"""
