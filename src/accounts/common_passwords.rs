//! Passwords that attackers try first: common words with the usual ornaments, runs of
//! the keyboard and of the alphabet, repetitions.

/// Words under which, with digits and signs around them, most leaked passwords fall.
const WORDS: &str = "password passwort passord motdepasse contrasena senha parola wachtwoord heslo haslo admin administrator \
    root user guest test tester testing demo default master manager server service support system welcome willkommen \
    bienvenue login letmein letmeinnow changeme change secret secure security private access internet computer laptop \
    windows microsoft google facebook linkedin twitter instagram youtube netflix amazon apple samsung android iphone \
    iloveyou loveyou iloveu love lovely lover forever together princess prince queen king angel angels baby babygirl \
    babyboy beautiful sweetheart sweetie honey sugar cookie chocolate cheese banana orange pineapple strawberry \
    sunshine sunflower summer winter autumn spring january february march april june july august september october \
    november december monday tuesday wednesday thursday friday saturday sunday football soccer baseball basketball \
    hockey tennis golf liverpool arsenal chelsea barcelona realmadrid juventus manchester united yankees cowboys \
    steelers lakers eagles packers broncos patriots superman batman spiderman ironman pokemon pikachu starwars skywalker \
    matrix gandalf hobbit harrypotter hogwarts naruto dragonball minecraft fortnite warcraft starcraft counterstrike \
    dragon monkey tiger lion panther eagle falcon phoenix shadow killer hunter ranger warrior ninja samurai wizard \
    mustang ferrari porsche mercedes corvette camaro harley yamaha kawasaki suzuki honda toyota nissan chevrolet \
    michael jennifer jessica jordan ashley michelle daniel thomas robert andrew joshua matthew anthony william charlie \
    nicole amanda samantha hannah alexander christian benjamin jonathan patrick patricia victoria elizabeth stephanie \
    buster rocky maggie ginger pepper bailey cooper max lucky happy freedom america canada london paris berlin tokyo \
    trustno qwerty azerty qwertz asdf zxcv abc abcd whatever nothing hello helloworld blink slipknot metallica nirvana \
    eminem beatles family friends mother father brother sister daughter jesus jesuschrist christ heaven blessed faith \
    money dollar business office company corporate employee student teacher school college university";
/// Where fingers run along.
const RUNS: [&str; 9] = [
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890123456789",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "zaq12wsxcde34rfvbgt5",
];

/// Whether a password is one of those tried first.
#[must_use]
pub fn is_common(password: &str) -> bool {
    let lower = password.to_lowercase();
    is_repetition(&lower) || is_run(&lower) || WORDS.split_whitespace().any(|word| is_ornamented(&lower, word))
}

/// One short piece over and over: `aaaaaaaa`, `abcabcabc`.
fn is_repetition(text: &str) -> bool {
    let signs: Vec<char> = text.chars().collect();
    (1..=4)
        .any(|length| signs.len() > length && signs.iter().zip(signs.iter().skip(length)).all(|(one, two)| one == two))
}

/// Nothing but runs of at least four along a row, either way.
fn is_run(text: &str) -> bool {
    let mut rest: Vec<char> = text.chars().filter(char::is_ascii_alphanumeric).collect();
    if rest.len() * 2 < text.chars().count() {
        return false;
    }
    while !rest.is_empty() {
        let longest = (4..=rest.len()).rev().find(|length| {
            let piece: String = rest.iter().take(*length).collect();
            let back: String = piece.chars().rev().collect();
            RUNS.iter().any(|run| run.contains(&piece) || run.contains(&back))
        });
        match longest {
            Some(length) => drop(rest.drain(..length)),
            // A tail of three is no better than none: `qwerty123`.
            None => return rest.len() <= 3 && text.chars().count() > rest.len(),
        }
    }
    true
}

/// The word itself, or it with digits and signs around it or in place of its letters.
fn is_ornamented(text: &str, word: &str) -> bool {
    let plain: String = text
        .chars()
        .map(|sign| match sign {
            '0' => 'o',
            '1' | '!' => 'i',
            '3' => 'e',
            '4' | '@' => 'a',
            '5' | '$' => 's',
            '7' => 't',
            other => other,
        })
        .collect();
    // Digits may be letters in disguise or mere decoration.
    [text, plain.as_str()].into_iter().any(|text| {
        text.match_indices(word).any(|(at, _)| {
            let around = text.chars().count() - word.chars().count();
            let (before, after) = (&text[..at], &text[at + word.len()..]);
            let is_decoration = |part: &str| {
                part.chars().all(|sign| !sign.is_alphabetic())
                    || part.chars().all(|sign| "oieastl!@$0123456789".contains(sign)) && part.chars().count() <= 4
            };
            around <= 6 && is_decoration(before) && is_decoration(after)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_attackers_try_first_is_known() {
        for common in [
            "password",
            "Password123",
            "p@ssw0rd!",
            "12345678",
            "qwertyuiop",
            "Qwerty123",
            "11111111",
            "abcabcabc",
            "iloveyou2",
            "Summer2024!",
            "1q2w3e4r",
            "1qaz2wsx",
            "asdfghjkl",
            "letmein123",
            "Welcome1",
            "87654321",
            "changeme",
            "admin1234",
            "monkey12",
            "trustno1",
            "abcd1234",
        ] {
            assert!(is_common(common), "{common}");
        }
        for fine in [
            "a long enough one",
            "another long one",
            "a lighthouse at noon",
            "correct horse",
            "Xk7#pLw2",
            "the password of my youth",
            "wombat-teapot-9",
            "demodemo and more",
        ] {
            assert!(!is_common(fine), "{fine}");
        }
    }
}
