"""From finished runs to a verdict: margins, intervals, guards, controls."""
