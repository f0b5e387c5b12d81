"""An Argo Server with a tiny cluster behind it, on one machine, for trying the portal and for its tests.

It speaks Argo's wire format and runs the very WorkflowTemplates that a real cluster gets. Nothing in here imports the
portal, and nothing but the standard library and PyYAML is needed.
"""
