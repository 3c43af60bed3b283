# %% [markdown]
# # Plan a fleet
#
# How many of which chip serve 50 requests a second of Llama 3.3 70B, first token within 1 s and 30 ms a token for 95 of 100
# requests, in China, in March 2026, and at what cost? Chips that the law refuses on the day are left out.

# %%
import chipwall as cw

plan = cw.plan("llama-3.3-70b", rate=50, prompt=2000, output=300, ttft="1 s", tpot="30 ms", to="CN", on="2026-03")
plan

# %% [markdown]
# What binds, what one failed replica does, and why a chip lost:

# %%
print(plan.binding.said)
print(plan.one_down)
for lost in plan.rejected[:4]:
    print(lost.chip, "|", lost.reason)

# %% [markdown]
# Another rate, or your own rent: no new search is needed.

# %%
for rate in (25, 50, 100):
    again = plan.with_(rate=rate, rent={"h20": 0.9})
    print(rate, again.best.chip_words, again.chips.value, again.best.month and round(again.best.month.value))

# %% [markdown]
# Throughput of a chip against speed of a user, and a model trained in so many days:

# %%
for row in cw.frontier("llama-3.3-70b", chips=["h200", "h20"], precision="fp8", points=4).rows[:8]:
    print(f"{row['chip']:18} {row['tokens_per_s_per_user']:6.1f} token/s a user {row['tokens_per_s_per_chip']:8,.0f} a chip  {row['layout']}")

# %%
cw.plan("llama-3.1-8b", task="train", tokens=2e12, days=30, chips=["h100", "h200", "910c"])
