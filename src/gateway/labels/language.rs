//! The language of a text, by its letters and, where many share them, by its commonest words.

use super::words::LATIN;

/// Letters that are looked at.
const LOOKED_AT: usize = 600;

/// How many words of each language in Latin letters there are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hits([u16; LATIN.len()]);

impl Hits {
    /// Counts a word that belongs to these languages, a bit each.
    pub(super) fn add(&mut self, languages: u32) {
        let mut rest = languages;
        while let Some(count) = self.0.get_mut(usize::try_from(rest.trailing_zeros()).unwrap_or(usize::MAX)) {
            *count += 1;
            rest &= rest - 1;
        }
    }

    fn best(&self) -> &'static str {
        // Of equals the first.
        let best = self.0.iter().zip(LATIN).rev().max_by_key(|(count, _)| **count);
        best.filter(|(count, _)| **count > 0).map_or("", |(_, code)| code)
    }
}

/// Letters of each script.
#[derive(Debug, Default)]
struct Scripts {
    latin: u32,
    cyrillic: u32,
    ukrainian: u32,
    greek: u32,
    hebrew: u32,
    arabic: u32,
    persian: u32,
    devanagari: u32,
    bengali: u32,
    tamil: u32,
    thai: u32,
    hangul: u32,
    kana: u32,
    han: u32,
    vietnamese: u32,
}

impl Scripts {
    fn count(&mut self, letter: char) {
        let place = match letter {
            'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}' => &mut self.latin,
            '\u{1ea0}'..='\u{1eff}' => {
                self.vietnamese += 1;
                &mut self.latin
            }
            '\u{400}'..='\u{4ff}' => {
                self.ukrainian += u32::from(matches!(letter, 'і' | 'ї' | 'є' | 'ґ'));
                &mut self.cyrillic
            }
            '\u{370}'..='\u{3ff}' => &mut self.greek,
            '\u{590}'..='\u{5ff}' => &mut self.hebrew,
            '\u{600}'..='\u{6ff}' => {
                self.persian += u32::from(matches!(letter, 'پ' | 'چ' | 'ژ' | 'گ' | 'ک' | 'ی'));
                &mut self.arabic
            }
            '\u{900}'..='\u{97f}' => &mut self.devanagari,
            '\u{980}'..='\u{9ff}' => &mut self.bengali,
            '\u{b80}'..='\u{bff}' => &mut self.tamil,
            '\u{e00}'..='\u{e7f}' => &mut self.thai,
            '\u{ac00}'..='\u{d7af}' | '\u{1100}'..='\u{11ff}' => &mut self.hangul,
            '\u{3040}'..='\u{30ff}' => &mut self.kana,
            '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}' => &mut self.han,
            _ => return,
        };
        *place += 1;
    }
}

/// The code of the language, or nothing. A sign of Chinese or Japanese stands for two letters.
pub(super) fn of(text: &str, words: &Hits) -> &'static str {
    if text.is_ascii() {
        return if text.bytes().take(LOOKED_AT).any(|byte| byte.is_ascii_alphabetic()) { words.best() } else { "" };
    }
    let mut found = Scripts::default();
    for letter in text.chars().take(LOOKED_AT) {
        found.count(letter);
    }
    let east = (found.han + found.kana) * 2;
    let scripts = [
        (found.latin, "latin"),
        (found.cyrillic, if found.ukrainian > 0 { "uk" } else { "ru" }),
        (found.greek, "el"),
        (found.hebrew, "he"),
        (found.arabic, if found.persian > 0 { "fa" } else { "ar" }),
        (found.devanagari, "hi"),
        (found.bengali, "bn"),
        (found.tamil, "ta"),
        (found.thai, "th"),
        (found.hangul * 2, "ko"),
        (east, if found.kana > 0 { "ja" } else { "zh" }),
    ];
    let best = scripts.into_iter().rev().max_by_key(|(count, _)| *count).filter(|(count, _)| *count > 0);
    match best {
        None => "",
        // Letters with two marks are written in one language only.
        Some((_, "latin")) if found.vietnamese >= 2 => "vi",
        Some((_, "latin")) => words.best(),
        Some((_, code)) => code,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Labels;
    use crate::dialects::Inference;
    use crate::dialects::inference::{Message, Part};

    #[test]
    fn letters_and_common_words_tell_the_language() {
        for (text, code) in [
            ("What is the capital of France and how do I get there?", "en"),
            ("Was ist die Hauptstadt von Frankreich, und wie komme ich dorthin?", "de"),
            ("Quelle est la capitale de la France, et comment y aller avec des enfants ?", "fr"),
            ("¿Cuál es la capital de Francia y cómo puedo llegar hasta allí con los niños?", "es"),
            ("Qual é a capital da França e como posso chegar lá com uma criança? Não sei.", "pt"),
            ("Qual è la capitale della Francia e come posso arrivare con gli amici?", "it"),
            ("Wat is de hoofdstad van Frankrijk en hoe kom ik er het snelst?", "nl"),
            ("Jaka jest stolica Francji i jak się tam dostać? To nie jest dla mnie jasne.", "pl"),
            ("Fransa'nın başkenti neresi ve oraya nasıl giderim? Bu bir soru.", "tr"),
            ("Vad är huvudstaden i Frankrike och hur kommer jag dit? Det är inte lätt.", "sv"),
            ("Hvad er hovedstaden i Frankrig, og hvordan kommer jeg derhen? Det er ikke nemt af den vej.", "da"),
            ("Mikä on Ranskan pääkaupunki ja miten sinne pääsee? Se ei ole helppoa.", "fi"),
            ("Jaké je hlavní město Francie a jak se tam dostanu? Když to není daleko.", "cs"),
            ("Mi a fővárosa és hogyan jutok oda? Ez nem egy nagy kérdés, de az fontos.", "hu"),
            ("Care este capitala și cum ajung acolo? Nu este pentru mine, ci pentru un prieten.", "ro"),
            ("Apa ibu kota negara itu dan bagaimana cara ke sana? Ini untuk saya yang baru.", "id"),
            ("Thủ đô của Pháp là gì và tôi đến đó bằng cách nào?", "vi"),
            ("Какая столица Франции и как туда добраться?", "ru"),
            ("Яка столиця Франції і як туди дістатися?", "uk"),
            ("Ποια είναι η πρωτεύουσα της Γαλλίας;", "el"),
            ("מהי בירת צרפת?", "he"),
            ("ما هي عاصمة فرنسا؟", "ar"),
            ("پایتخت فرانسه کجاست؟", "fa"),
            ("फ्रांस की राजधानी क्या है?", "hi"),
            ("ফ্রান্সের রাজধানী কী?", "bn"),
            ("பிரான்சின் தலைநகரம் எது?", "ta"),
            ("เมืองหลวงของฝรั่งเศสคืออะไร", "th"),
            ("프랑스의 수도는 어디인가요?", "ko"),
            ("フランスの首都はどこですか？", "ja"),
            ("法国的首都在哪里？", "zh"),
            ("用 Python 写一个函数，读取 CSV 文件并计算平均值。", "zh"),
            ("12345 !!", ""),
        ] {
            let message = Message { content: vec![Part::text(text)], ..Message::default() };
            let request = Inference { messages: vec![message], ..Inference::default() };
            assert_eq!(Labels::of(&request).language, code, "{text}");
        }
    }
}
