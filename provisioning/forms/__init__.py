"""What people and machines send, checked once: the same forms serve the pages and the API."""

from provisioning.forms.asking import RequestForm, option_field
from provisioning.forms.deciding import DecisionForm, granted_data

__all__ = ["DecisionForm", "RequestForm", "granted_data", "option_field"]
