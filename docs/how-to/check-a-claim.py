# %% [markdown]
# # Check a claim, and what a sale changes
#
# A sentence is read, computed and judged; every verdict shows its calculation and its sources.

# %%
import chipwall as cw

said = cw.check("The H200 has 141 GB of memory.")
said

# %%
said.why()

# %% [markdown]
# A claim of your own as data: what it says, under which conditions, and what would make it true.

# %%
claim = '''
[[claim]]
id = "h20-bandwidth"
statement = "The H20 has more memory bandwidth than the H100."
quantity = "fact_ratio"
subject = "h20"
baseline = "h100"
relation = "at least"
value = 1.0
fixed = { measure = "memory_bandwidth" }
'''
verdict = cw.check(claim)[0]
print(verdict.answer, verdict.value)

# %% [markdown]
# What does a policy change? Two scenarios on the same draws; the difference is draw by draw.

# %%
run = cw.simulate("h200-share-cap", against="no-sales", draws=300, until="2028Q4")
run

# %%
paths = list(run.paths.values())
difference = paths[0].minus(paths[1]).band("h100e_training_total", "2028Q4")
print(f"{difference.low:,.0f} to {difference.high:,.0f} H100-equivalents, middle {difference.mid:,.0f}")

# %% [markdown]
# The draws themselves as a table of pandas or polars, units in the column names:

# %%
run.to_frame("polars").head(3)
