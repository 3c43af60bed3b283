# %% [markdown]
# # Where may it go, and since when?
#
# A decision is a calculation on public text, not legal advice. It names the clause, the numbers compared and what is not known.

# %%
import chipwall as cw

decision = cw.decide("h200", to="CN", on="2026-02-01")
decision

# %% [markdown]
# The classification, both readings of the licence, and who says so:

# %%
print(decision.eccn, decision.licence.as_enforced, decision.licence.on_books, decision.review_policy, sep=" | ")
print(*decision.citations[:4], sep="\n")

# %% [markdown]
# On which days did that answer change, and why?

# %%
for turn in cw.timeline("h200", to="CN", since="2024-01-01", until="2026-12-31"):
    print(turn.on, turn.decision.licence.as_enforced, "-", "; ".join(map(str, turn.why))[:100])

# %% [markdown]
# The same chip elsewhere, and another chip under the same rule:

# %%
for chip in ("h200", "h20", "b200", "rtx-5090"):
    print(chip, [cw.decide(chip, to=place, on="2026-02-01").licence.as_enforced for place in ("CN", "AE", "SG", "DE")])

# %% [markdown]
# A part that is in no catalogue, by its numbers:

# %%
cw.decide(tpp=2400, die_area=800, dram="3 TB/s", datacenter=True, to="CN", on="2026-02-01")
