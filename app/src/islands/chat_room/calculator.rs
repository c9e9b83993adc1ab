//! The room's calculator: what a formula of numbers comes to.

use std::iter::Peekable;
use std::str::Chars;

/// Brackets in brackets; more would only be meant to break it.
const DEPTH: u32 = 48;

/// The value of `formula`, or what is wrong with it.
pub fn calculate(formula: &str) -> Result<String, String> {
    let mut reader = Reader { rest: formula.chars().peekable(), depth: 0 };
    let value = reader.sum()?;
    if let Some(letter) = reader.peek() {
        return Err(format!("`{letter}` was not expected"));
    }
    if !value.is_finite() {
        return Err("the result is not a finite number".to_owned());
    }
    // Twelve digits: what a person would write, not the last bit of a float.
    Ok(format!("{value:.11e}").parse::<f64>().unwrap_or(value).to_string())
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    depth: u32,
}

impl Reader<'_> {
    fn peek(&mut self) -> Option<char> {
        while self.rest.next_if(|letter| letter.is_whitespace()).is_some() {}
        self.rest.peek().copied()
    }

    fn takes(&mut self, wanted: char) -> bool {
        self.peek() == Some(wanted) && self.rest.next().is_some()
    }

    fn sum(&mut self) -> Result<f64, String> {
        let mut value = self.product()?;
        loop {
            if self.takes('+') {
                value += self.product()?;
            } else if self.takes('-') || self.takes('−') {
                value -= self.product()?;
            } else {
                return Ok(value);
            }
        }
    }

    fn product(&mut self) -> Result<f64, String> {
        let mut value = self.signed()?;
        loop {
            if self.takes('*') || self.takes('×') || self.takes('·') {
                value *= self.signed()?;
            } else if self.takes('/') || self.takes('÷') {
                value /= self.signed()?;
            } else if self.takes('%') {
                value %= self.signed()?;
            } else {
                return Ok(value);
            }
        }
    }

    /// A sign binds less than a power: -2^2 is -4.
    fn signed(&mut self) -> Result<f64, String> {
        let mut is_negative = false;
        loop {
            if self.takes('-') || self.takes('−') {
                is_negative = !is_negative;
            } else if !self.takes('+') {
                break;
            }
        }
        let value = self.power()?;
        Ok(if is_negative { -value } else { value })
    }

    fn power(&mut self) -> Result<f64, String> {
        let base = self.term()?;
        if !self.takes('^') {
            return Ok(base);
        }
        self.depth += 1;
        if self.depth > DEPTH {
            return Err("it is nested too deeply".to_owned());
        }
        let exponent = self.signed()?;
        self.depth -= 1;
        Ok(base.powf(exponent))
    }

    fn term(&mut self) -> Result<f64, String> {
        let Some(letter) = self.peek() else { return Err("it ends where a number was expected".to_owned()) };
        if letter == '(' {
            return self.bracket();
        }
        if letter.is_alphabetic() || letter == 'π' {
            return self.named();
        }
        self.number()
    }

    fn bracket(&mut self) -> Result<f64, String> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err("it is nested too deeply".to_owned());
        }
        if !self.takes('(') {
            return Err("`(` was expected".to_owned());
        }
        let value = self.sum()?;
        if !self.takes(')') {
            return Err("a `)` is missing".to_owned());
        }
        self.depth -= 1;
        Ok(value)
    }

    fn named(&mut self) -> Result<f64, String> {
        let mut name = String::new();
        while let Some(letter) = self.rest.next_if(|letter| letter.is_alphanumeric()) {
            name.push(letter);
        }
        let function: fn(f64) -> f64 = match name.as_str() {
            "pi" | "π" => return Ok(std::f64::consts::PI),
            "e" => return Ok(std::f64::consts::E),
            "sqrt" => f64::sqrt,
            "abs" => f64::abs,
            "round" => f64::round,
            "floor" => f64::floor,
            "ceil" => f64::ceil,
            "exp" => f64::exp,
            "ln" => f64::ln,
            "log" | "log10" => f64::log10,
            "log2" => f64::log2,
            "sin" => f64::sin,
            "cos" => f64::cos,
            "tan" => f64::tan,
            _ => return Err(format!("`{name}` is not known")),
        };
        self.bracket().map(function)
    }

    fn number(&mut self) -> Result<f64, String> {
        let mut text = String::new();
        loop {
            if let Some(letter) = self.rest.next_if(|letter| letter.is_ascii_digit() || *letter == '.') {
                text.push(letter);
                continue;
            }
            // Between digits a comma or a dash below only groups them.
            let mut ahead = self.rest.clone();
            let is_group = ahead.next_if(|letter| matches!(letter, ',' | '_')).is_some()
                && ahead.peek().is_some_and(char::is_ascii_digit)
                && !text.is_empty();
            if !is_group {
                break;
            }
            self.rest.next();
        }
        // 1e6, but not the constant e beside a number.
        let mut ahead = self.rest.clone();
        let is_exponent = ahead.next_if(|letter| matches!(letter, 'e' | 'E')).is_some() && {
            let _ = ahead.next_if(|letter| matches!(letter, '+' | '-'));
            ahead.peek().is_some_and(char::is_ascii_digit)
        };
        if is_exponent {
            text.extend(self.rest.next());
            text.extend(self.rest.next());
            while let Some(letter) = self.rest.next_if(char::is_ascii_digit) {
                text.push(letter);
            }
        }
        if text.is_empty() {
            let letter = self.peek().map(String::from).unwrap_or_default();
            return Err(format!("`{letter}` was not expected"));
        }
        text.parse().map_err(|_| format!("`{text}` is not a number"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_as_people_do_and_says_what_it_does_not_understand() {
        for (formula, expected) in [
            ("2+3*4", "14"),
            ("0.1 + 0.2", "0.3"),
            ("-2^2", "-4"),
            ("2^3^2", "512"),
            ("(1,234 + 6) / 4", "310"),
            ("sqrt(16) × 2", "8"),
            ("1.5e3 % 7", "2"),
            ("2*pi - 2*π", "0"),
            ("17 * 23.5 − 1", "398.5"),
            ("2^-1", "0.5"),
        ] {
            assert_eq!(calculate(formula).as_deref(), Ok(expected), "{formula}");
        }
        for (formula, part) in [("1/0", "finite"), ("2+", "ends"), ("alert(1)", "alert"), ("2 3", "3"), ("(1", ")")] {
            let error = calculate(formula).unwrap_err();
            assert!(error.contains(part), "{formula}: {error}");
        }
        assert!(calculate(&"(".repeat(100_000)).is_err());
        assert!(calculate(&format!("{}1", "2^".repeat(100_000))).is_err());
    }
}
