//! A PDF of plain text on one or more A4 pages: enough for receipts and statements.
//!
//! The fonts are two of the fourteen every reader has, in Windows' Latin encoding;
//! other letters are shown as question marks.

use std::fmt::Write as _;

/// Points.
const WIDTH: i32 = 595;
const HEIGHT: i32 = 842;
const MARGIN: i32 = 56;

/// A document being written from top to bottom.
#[derive(Debug)]
pub struct Pdf {
    pages: Vec<String>,
    /// Where the next line is, from the bottom.
    y: i32,
}

/// A cell of a line: where it starts, points from the left margin; negative: where it
/// ends, from the right margin.
pub type Cell<'a> = (i32, &'a str);

impl Default for Pdf {
    fn default() -> Self {
        Self { pages: vec![String::new()], y: HEIGHT - MARGIN }
    }
}

impl Pdf {
    /// One line of cells.
    pub fn line(&mut self, size: i32, is_bold: bool, cells: &[Cell<'_>]) {
        let height = size + size / 2;
        if self.y - height < MARGIN {
            self.pages.push(String::new());
            self.y = HEIGHT - MARGIN;
        }
        self.y -= height;
        let y = self.y;
        let Some(page) = self.pages.last_mut() else { return };
        for (at, text) in cells {
            let x = if *at < 0 { WIDTH - MARGIN + at + 1 - width(text, size, is_bold) } else { MARGIN + at };
            let font = if is_bold { "F2" } else { "F1" };
            let _ = writeln!(page, "BT /{font} {size} Tf {x} {y} Td ({}) Tj ET", escaped(text));
        }
    }

    /// Blank space, points.
    pub fn space(&mut self, height: i32) {
        self.y -= height;
    }

    /// A thin line across the page.
    pub fn rule(&mut self) {
        self.y -= 6;
        let (y, right) = (self.y, WIDTH - MARGIN);
        if let Some(page) = self.pages.last_mut() {
            let _ = writeln!(page, "0.7 w {MARGIN} {y} m {right} {y} l S");
        }
        self.y -= 2;
    }

    /// The file.
    #[must_use]
    pub fn finish(self, title: &str) -> Vec<u8> {
        let count = self.pages.len();
        let kids: Vec<String> = (0..count).map(|page| format!("{} 0 R", 6 + page * 2)).collect();
        let mut objects = vec![
            "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
            format!("<< /Type /Pages /Kids [{}] /Count {count} >>", kids.join(" ")),
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>".to_owned(),
            format!("<< /Title ({}) /Producer (Patchbay) >>", escaped(title)),
        ];
        for (number, page) in self.pages.iter().enumerate() {
            let content = 7 + number * 2;
            objects.push(format!(
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {WIDTH} {HEIGHT}] /Contents {content} 0 R \
                 /Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>"
            ));
            objects.push(format!("<< /Length {} >>\nstream\n{page}endstream", page.len()));
        }
        // The text is ASCII: everything else is escaped.
        let mut file = String::from("%PDF-1.4\n");
        let mut offsets = Vec::new();
        for (number, object) in objects.iter().enumerate() {
            offsets.push(file.len());
            let _ = write!(file, "{} 0 obj\n{object}\nendobj\n", number + 1);
        }
        let start = file.len();
        let _ = write!(file, "xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
        for offset in &offsets {
            let _ = writeln!(file, "{offset:010} 00000 n ");
        }
        let size = objects.len() + 1;
        let _ = write!(file, "trailer\n<< /Size {size} /Root 1 0 R /Info 5 0 R >>\nstartxref\n{start}\n%%EOF\n");
        file.into_bytes()
    }
}

/// Text in Windows' Latin encoding, escaped for a PDF string.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        match letter {
            '(' | ')' | '\\' => {
                out.push('\\');
                out.push(letter);
            }
            ' '..='~' => out.push(letter),
            _ => {
                let _ = write!(out, "\\{:03o}", latin(letter));
            }
        }
    }
    out
}

fn latin(letter: char) -> u8 {
    match letter {
        '€' => 0x80,
        '…' => 0x85,
        '‘' => 0x91,
        '’' => 0x92,
        '“' => 0x93,
        '”' => 0x94,
        '•' => 0x95,
        '–' => 0x96,
        '—' => 0x97,
        '\u{a0}'..='ÿ' => u8::try_from(u32::from(letter)).unwrap_or(b'?'),
        _ => b'?',
    }
}

/// How wide Helvetica sets a text, points; close enough to align numbers, which it sets exactly.
fn width(text: &str, size: i32, is_bold: bool) -> i32 {
    let thousandths: i32 = text
        .chars()
        .map(|letter| match letter {
            '0'..='9' | '$' | '€' => 556,
            '.' | ',' | ' ' | ':' | '/' => 278,
            '-' => 333,
            'i' | 'j' | 'l' | '\'' => 222,
            'm' | 'M' => 833,
            'A'..='Z' => 690,
            _ if is_bold => 580,
            _ => 530,
        })
        .sum();
    thousandths * size / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_objects_points_at_them() {
        let mut pdf = Pdf::default();
        for number in 0..80 {
            pdf.line(11, number == 0, &[(0, "Crédit (ü) \\ 漢"), (-1, "$1.10")]);
        }
        pdf.rule();
        let file = String::from_utf8(pdf.finish("A receipt")).unwrap();
        assert!(file.is_ascii() && file.contains("Cr\\351dit \\(\\374\\) \\\\ \\077"), "{file}");
        let start: usize = file.rsplit("startxref\n").next().unwrap().lines().next().unwrap().parse().unwrap();
        let table: Vec<&str> = file[start..].lines().skip(3).take_while(|line| line.ends_with(" n ")).collect();
        for (number, entry) in table.iter().enumerate() {
            let offset: usize = entry[..10].parse().unwrap();
            assert!(file[offset..].starts_with(&format!("{} 0 obj", number + 1)), "{entry}");
        }
        assert_eq!(table.len(), 5 + 2 * 2, "two pages");
    }
}
