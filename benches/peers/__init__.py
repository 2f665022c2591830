"""What the comparisons with other libraries share: contestants, data, fair timing, reports."""
