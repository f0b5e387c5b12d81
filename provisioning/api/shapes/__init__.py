"""What is sent and what is answered, in the API's names."""
