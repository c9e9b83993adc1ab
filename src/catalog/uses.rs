//! What models are really used for, as of the last days.

use std::collections::HashMap;

use super::{Model, category};

/// So many requests of a category tell which models it uses.
const TELLING: i64 = 10;
/// A model is used for a category when one in so many of its requests belongs to it.
const ONE_IN: i64 = 50;

/// Tokens of the last days by category and model, of what a model is used for.
#[derive(Debug, Default)]
pub struct Uses(HashMap<String, HashMap<String, i64>>);

impl Uses {
    /// From rows of category, model, requests and tokens.
    #[must_use]
    pub fn of(rows: Vec<(String, String, i64, i64)>) -> Self {
        let (mut of_models, mut of_categories) = (HashMap::new(), HashMap::new());
        for (category, model, requests, _) in &rows {
            *of_models.entry(model.clone()).or_insert(0) += requests;
            *of_categories.entry(category.clone()).or_insert(0) += requests;
        }
        let mut uses: HashMap<String, HashMap<String, i64>> = HashMap::new();
        for (category, model, requests, tokens) in rows {
            let is_known = of_categories.get(&category).is_some_and(|all| *all >= TELLING);
            let is_usual = of_models.get(&model).is_some_and(|all| requests * ONE_IN >= *all);
            if is_known && is_usual {
                uses.entry(category).or_default().insert(model, tokens);
            }
        }
        Self(uses)
    }

    /// A model is used for a category. Where nobody asks for it yet, what the catalog says of the model decides.
    #[must_use]
    pub fn has(&self, category: &str, model: &Model) -> bool {
        match self.0.get(category) {
            Some(models) => models.contains_key(&model.id),
            None => category::read(category).is_ok_and(|category| category.fits(model)),
        }
    }

    /// A model's tokens within a category, where they are known.
    #[must_use]
    pub fn tokens(&self, category: &str, model_id: &str) -> Option<i64> {
        self.0.get(category).map(|models| models.get(model_id).copied().unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn use_decides_once_there_is_enough_of_it() {
        let row = |category: &str, model: &str, requests, tokens| (category.into(), model.into(), requests, tokens);
        let uses = Uses::of(vec![
            row("legal", "acme/coder", 9, 90),
            row("legal", "acme/one", 60, 600),
            row("programming", "acme/coder", 500, 5_000),
            row("trivia", "acme/one", 3, 30),
        ]);
        let model = |id: &str| Model { id: id.to_owned(), ..Model::default() };
        assert!(uses.has("programming", &model("acme/coder")) && !uses.has("programming", &model("acme/one")));
        assert!(uses.has("legal", &model("acme/one")));
        assert!(!uses.has("legal", &model("acme/coder")), "now and then is no use");
        assert_eq!((uses.tokens("legal", "acme/one"), uses.tokens("legal", "acme/coder")), (Some(600), Some(0)));
        // Three questions tell nothing, so the catalog is believed.
        assert!(uses.has("trivia", &model("acme/two")) && !uses.has("trivia", &model("acme/coder")));
        assert_eq!(uses.tokens("trivia", "acme/one"), None);
    }
}
