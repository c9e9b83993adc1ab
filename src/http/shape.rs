//! How a large JSON body may be built. Read into values, a body of nothing but commas takes
//! thirty times its size: what is built like no request is refused before it is read.

use crate::config::Limits;
use crate::error::Error;

/// A smaller body can do no harm.
const SMALL: usize = 64 << 10;

/// An object or an array that is open.
#[derive(Clone, Copy)]
struct Open {
    is_object: bool,
    /// Commas so far: one less than members.
    commas: u32,
}

/// Looks over the brackets and commas of a body; whether it is JSON is found out by who reads it.
///
/// # Errors
/// 400 when it is nested too deeply, or one of its objects or arrays has too many members.
pub fn check(body: &[u8], limits: &Limits) -> Result<(), Error> {
    if body.len() <= SMALL {
        return Ok(());
    }
    let (mut open, mut is_text, mut is_escaped) = (Vec::<Open>::new(), false, false);
    for byte in body {
        if is_text {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => is_text = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => is_text = true,
            b'{' | b'[' => {
                if open.len() >= limits.json_depth {
                    return Err(refusal(&format!("is nested more than {} levels deep", limits.json_depth)));
                }
                open.push(Open { is_object: *byte == b'{', commas: 0 });
            }
            b'}' | b']' => {
                open.pop();
            }
            b',' => count(open.last_mut(), limits)?,
            _ => {}
        }
    }
    Ok(())
}

fn count(open: Option<&mut Open>, limits: &Limits) -> Result<(), Error> {
    let Some(open) = open else { return Ok(()) };
    open.commas = open.commas.saturating_add(1);
    let (most, what) = if open.is_object {
        (limits.json_keys, "an object with more than {} fields")
    } else {
        (limits.json_items, "an array with more than {} elements")
    };
    if open.commas >= most { Err(refusal(&format!("has {}", what.replace("{}", &most.to_string())))) } else { Ok(()) }
}

fn refusal(what: &str) -> Error {
    Error::bad_request("", format!("The request body {what}, which no request to a model needs"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Refused or not, as part of a body that is large enough to be looked at.
    fn refused(part: &str) -> Option<String> {
        let body = format!("{{\"padding\":\"{}\",\"part\":{part}}}", "x".repeat(SMALL));
        let limits = Limits { json_depth: 4, json_keys: 3, json_items: 5, ..Limits::default() };
        check(body.as_bytes(), &limits).err().map(|error| error.public_message())
    }

    #[test]
    fn what_is_within_the_limits_passes() {
        for part in
            ["[1,2,3,4,5]", "{\"a\":1,\"b\":2,\"c\":3}", "[[[1]]]", "[]", "\"[[[[[[,,,,,,,,\\\"[[[[\"", "[[1,2],[3,4]]"]
        {
            assert_eq!(refused(part), None, "{part}");
        }
    }

    #[test]
    fn what_is_beyond_them_is_named() {
        for (part, word) in [
            ("[1,2,3,4,5,6]", "an array with more than 5 elements"),
            ("{\"a\":1,\"b\":2,\"c\":3,\"d\":4}", "an object with more than 3 fields"),
            ("[[[[1]]]]", "nested more than 4 levels deep"),
            ("[\"a,b\",[1,2,3,4,5,6]]", "an array with more than 5 elements"),
        ] {
            let said = refused(part).unwrap_or_default();
            assert!(said.contains(word), "{part}: {said}");
        }
    }

    #[test]
    fn a_small_body_is_not_looked_at() {
        let limits = Limits { json_items: 1, ..Limits::default() };
        assert!(check(b"[1,2,3]", &limits).is_ok());
    }
}
