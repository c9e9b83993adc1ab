-- Published results of a model, as the lists tell them: a JSON array of name, score, metric and source.
ALTER TABLE models ADD COLUMN benchmarks TEXT;
