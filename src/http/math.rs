//! Formulas as MathML, for the chat room: the browser need not carry what sets them.

use app::components::math::{LONGEST, to_mathml};
use app::types::Envelope;
use app::types::chats::Formulas;
use axum::Json;

use super::caller::Caller;
use super::input::Body;
use crate::error::{Error, Result};

/// Formulas of one request.
const MOST: usize = 200;

/// `POST /api/v1/math` (ours): each formula as MathML, or null when it is not understood.
///
/// # Errors
/// 400 for too many or too long ones, 401 without a caller.
pub async fn set_math(_: Caller, Body(asked): Body<Formulas>) -> Result<Json<Envelope<Vec<Option<String>>>>> {
    if asked.formulas.len() > MOST {
        return Err(Error::bad_request(
            "formulas",
            format!("formulas must be at most {MOST}; send the rest after them"),
        ));
    }
    if asked.formulas.iter().any(|formula| formula.tex.len() > LONGEST) {
        return Err(Error::bad_request("formulas", format!("a formula must be at most {LONGEST} bytes")));
    }
    let data = asked.formulas.iter().map(|formula| to_mathml(&formula.tex, formula.is_display)).collect();
    Ok(Json(Envelope { data }))
}
