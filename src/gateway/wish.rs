//! Speeds a caller would like: endpoints that miss one are tried later, never left out.

use app::types::models::Percentiles;
use serde_json::Value;

use crate::error::{Error, Result};

/// A threshold for each percentile the caller named.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wish(Vec<(Percentile, f64)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Percentile {
    P50,
    P75,
    P90,
    P99,
}

impl Wish {
    /// A number is meant for the median; an object names percentiles.
    ///
    /// # Errors
    /// 400 that names `field` and what it takes.
    pub fn read(field: &str, value: Option<&Value>) -> Result<Self> {
        let bad = || {
            let message = format!("{field} must be a positive number, or an object with p50, p75, p90 or p99");
            Error::bad_request(field, message)
        };
        let positive = |value: &Value| value.as_f64().filter(|wish| *wish > 0.0).ok_or_else(bad);
        let mut wishes = Vec::new();
        match value {
            None | Some(Value::Null) => {}
            Some(Value::Object(object)) => {
                for (name, value) in object.iter().filter(|(_, value)| !value.is_null()) {
                    let percentile = match name.as_str() {
                        "p50" => Percentile::P50,
                        "p75" => Percentile::P75,
                        "p90" => Percentile::P90,
                        "p99" => Percentile::P99,
                        _ => return Err(bad()),
                    };
                    wishes.push((percentile, positive(value)?));
                }
            }
            Some(value) => wishes.push((Percentile::P50, positive(value)?)),
        }
        Ok(Self(wishes))
    }

    /// There is a wish.
    #[must_use]
    pub const fn is_some(&self) -> bool {
        !self.0.is_empty()
    }

    /// Whether what was measured is worse than one of the thresholds. What was
    /// never measured misses nothing.
    #[must_use]
    pub fn is_missed(&self, measured: Option<Percentiles>, is_worse: impl Fn(f64, f64) -> bool) -> bool {
        let Some(measured) = measured else { return false };
        self.0.iter().any(|(percentile, wish)| {
            let value = match percentile {
                Percentile::P50 => measured.p50,
                Percentile::P75 => measured.p75,
                Percentile::P90 => measured.p90,
                Percentile::P99 => measured.p99,
            };
            is_worse(value, *wish)
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_wish_is_a_number_for_the_median_or_names_percentiles() {
        let measured = Some(Percentiles { p50: 1.0, p75: 2.0, p90: 3.0, p99: 9.0 });
        let later = |wish: Value| Wish::read("f", Some(&wish)).unwrap().is_missed(measured, |value, wish| value > wish);
        assert!(!later(json!(1.5)));
        assert!(later(json!(0.5)));
        assert!(later(json!({ "p50": 2, "p99": 5 })));
        assert!(!later(json!({ "p90": 3.5, "p99": null })));
        assert!(!Wish::read("f", Some(&json!(0.1))).unwrap().is_missed(None, |value, wish| value > wish));
        for bad in [json!("fast"), json!(0), json!({ "p95": 1 }), json!([1])] {
            assert!(Wish::read("f", Some(&bad)).is_err(), "{bad}");
        }
    }
}
