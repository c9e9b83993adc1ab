//! Fields of an entry that may be anything; a failure names the field.

use app::types::Price;
use serde_json::{Map, Value};

pub type Fields = Map<String, Value>;

/// The field if it is there and not null.
pub fn get<'a>(fields: &'a Fields, name: &str) -> Option<&'a Value> {
    fields.get(name).filter(|value| !value.is_null())
}

pub fn object<'a>(fields: &'a Fields, name: &str) -> Result<Option<&'a Fields>, String> {
    let Some(value) = get(fields, name) else { return Ok(None) };
    value.as_object().map(Some).ok_or_else(|| wrong(name, value, "an object"))
}

pub fn text(fields: &Fields, name: &str) -> Result<Option<String>, String> {
    let Some(value) = get(fields, name) else { return Ok(None) };
    let text = value.as_str().ok_or_else(|| wrong(name, value, "text"))?.trim();
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

pub fn required_text(fields: &Fields, name: &str) -> Result<String, String> {
    text(fields, name)?.ok_or_else(|| format!("{name}: missing"))
}

pub fn flag(fields: &Fields, name: &str) -> Result<Option<bool>, String> {
    let Some(value) = get(fields, name) else { return Ok(None) };
    value.as_bool().map(Some).ok_or_else(|| wrong(name, value, "true or false"))
}

/// A whole number that is not negative.
pub fn count(fields: &Fields, name: &str) -> Result<Option<i64>, String> {
    let Some(value) = get(fields, name) else { return Ok(None) };
    let number = value.as_i64().ok_or_else(|| wrong(name, value, "a whole number"))?;
    if number < 0 { Err(format!("{name}: {number} is negative")) } else { Ok(Some(number)) }
}

/// A number of tokens; zero is "not said".
pub fn tokens(fields: &Fields, name: &str) -> Result<Option<i64>, String> {
    Ok(count(fields, name)?.filter(|tokens| *tokens > 0))
}

pub fn texts(fields: &Fields, name: &str) -> Result<Option<Vec<String>>, String> {
    let Some(value) = get(fields, name) else { return Ok(None) };
    let list = value.as_array().ok_or_else(|| wrong(name, value, "a list"))?;
    let texts = list.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(|| wrong(name, item, "text")));
    texts.collect::<Result<_, _>>().map(Some)
}

/// US dollars per million as a JSON number → the price of one.
pub fn per_million(fields: &Fields, name: &str) -> Result<Option<Price>, String> {
    let Some(value) = get(fields, name) else { return Ok(None) };
    let Value::Number(number) = value else { return Err(wrong(name, value, "a number")) };
    let digits = number.to_string();
    let (mantissa, exponent) = digits.split_once(['e', 'E']).unwrap_or((&digits, "0"));
    let exponent: i32 = exponent.parse().map_err(|_| wrong(name, value, "a number"))?;
    price(name, &format!("{mantissa}e{}", exponent.saturating_sub(6))).map(Some)
}

/// US dollars per unit as a JSON string holding a decimal.
pub fn per_unit(fields: &Fields, name: &str) -> Result<Option<Price>, String> {
    let Some(value) = get(fields, name) else { return Ok(None) };
    let digits = value.as_str().ok_or_else(|| wrong(name, value, "a decimal as text"))?;
    price(name, digits).map(Some)
}

/// US dollars per request as a JSON number.
pub fn dollars(fields: &Fields, name: &str) -> Result<Option<Price>, String> {
    let Some(value) = get(fields, name) else { return Ok(None) };
    let Value::Number(number) = value else { return Err(wrong(name, value, "a number")) };
    price(name, &number.to_string()).map(Some)
}

fn price(name: &str, digits: &str) -> Result<Price, String> {
    let price: Price = digits.parse().map_err(|error| format!("{name}: {digits}: {error}"))?;
    if price < Price::ZERO {
        return Err(format!("{name}: {digits} is negative; what varies from request to request cannot be charged"));
    }
    Ok(price)
}

fn wrong(name: &str, value: &Value, wanted: &str) -> String {
    let mut shown = value.to_string();
    if shown.chars().count() > 40 {
        shown = shown.chars().take(40).chain("…".chars()).collect();
    }
    format!("{name}: {shown} is not {wanted}")
}
