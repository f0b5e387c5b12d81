"""The worker: compares rows with what Argo says, and makes the one follow the other. The only room that calls Argo.

Level-triggered: whatever was missed, by a crash or a lost event, the next pass sees. Every write compares and sets, so
that two workers at once, or one killed anywhere, neither double a workflow nor lose one.
"""
