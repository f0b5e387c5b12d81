"""The Argo WorkflowTemplates, the cluster's set-up, and a run as an Argo Workflow. Pure."""
