# %% [markdown]
# # Size a service
#
# How many chips serve a model to so many people, within limits on the first token and on the time per token?
# Every number carries its 80 % interval and its basis.

# %%
import chipwall as cw

one = cw.serve("llama-3.1-70b", "h200", chips=8, prompt=1000, output=500, precision="fp8", ttft="2 s", tpot="50 ms")
one

# %% [markdown]
# `rate` is output tokens per second of all eight chips at the largest load that stays within both limits. Why that much?

# %%
one.why()

# %% [markdown]
# Which chip, and how many people at once? A sweep prices all points in one call on arrays.

# %%
grid = cw.sweep(cw.serve, model="llama-3.1-70b", chip=["h200", "h20", "910c"], chips=8, users=[1, 8, 64, 256], precision="bf16", prompt=1000, output=500)
for row in grid:
    print(f"{row['chip']:5} {row['users']:4} users  {row['rate_token_per_s']:8,.0f} token/s  {1000 * row['tpot_s']:5.0f} ms a token")

# %% [markdown]
# Is it physically possible at all? The memory says so first, part by part with the formula.

# %%
print(cw.fits("llama-3.1-405b", "h200", chips=8, precision="fp8", use="serve", context=8192).why())

# %% [markdown]
# What would a chip with faster memory change? Invent one.

# %%
faster = cw.chip("h200").with_(memory_bandwidth="6 TB/s")
for chip in ("h200", faster):
    print(cw.serve("llama-3.1-70b", chip, chips=8, users=8, precision="fp8").rate)
