"""Design: weights and bands for a risk profile out of a price history, and the file that deploys them."""
