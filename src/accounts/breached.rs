//! Passwords that were stolen elsewhere: a list of digests that the operator downloads once.

use std::cmp::Ordering;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use super::keys::hex;

/// Letters of a digest.
const LETTERS: usize = 40;
/// The longest line: a digest, a colon and a count.
const LINE: u64 = 64;

/// A file with a line for each password, in order: its SHA-1 in hex, and behind a colon whatever
/// follows. Have I Been Pwned offers one. It is searched where it lies, not read.
#[derive(Clone, Debug)]
pub struct Breached {
    path: PathBuf,
}

impl Breached {
    /// # Errors
    /// A sentence when this is no such file.
    pub fn open(path: &Path) -> Result<Self, String> {
        let list = Self { path: path.to_owned() };
        let (mut file, size) = list.file().map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let is_list = size == 0 || matches!(line_from(&mut file, 0), Ok(Some((_, first))) if is_digest(&first));
        let complaint = || format!("{} does not begin with a SHA-1 in hex", path.display());
        is_list.then_some(list).ok_or_else(complaint)
    }

    fn file(&self) -> io::Result<(BufReader<File>, u64)> {
        let file = File::open(&self.path)?;
        let size = file.metadata()?.len();
        Ok((BufReader::with_capacity(256, file), size))
    }

    /// Whether the list has this password. Blocks.
    ///
    /// # Errors
    /// When the file cannot be read any more.
    pub fn has(&self, password: &str) -> io::Result<bool> {
        let wanted = hex(digest(&SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes()).as_ref());
        let (mut file, size) = self.file()?;
        // The wanted line, if there is one, begins at `low` or behind it, and before `high`.
        let (mut low, mut high) = (0, size);
        while low < high {
            let middle = low + (high - low) / 2;
            let Some((start, found)) = line_from(&mut file, middle)?.filter(|(start, _)| *start < high) else {
                high = middle;
                continue;
            };
            match wanted.as_str().cmp(found.as_str()) {
                Ordering::Equal => return Ok(true),
                Ordering::Less => high = middle,
                Ordering::Greater => low = start + 1,
            }
        }
        Ok(false)
    }
}

fn is_digest(text: &str) -> bool {
    text.len() == LETTERS && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The first line that begins at this place or behind it: where, and its digest in small letters.
fn line_from(file: &mut BufReader<File>, place: u64) -> io::Result<Option<(u64, String)>> {
    let mut line = Vec::new();
    let mut start = place;
    if place > 0 {
        // The line that is cut here ends with the byte before, or later.
        file.seek(SeekFrom::Start(place - 1))?;
        let skipped = io::Read::take(&mut *file, LINE * 2).read_until(b'\n', &mut line)?;
        start = place - 1 + u64::try_from(skipped).unwrap_or(0);
        line.clear();
    } else {
        file.seek(SeekFrom::Start(0))?;
    }
    if io::Read::take(&mut *file, LINE * 2).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    let digest: Vec<u8> = line.into_iter().take_while(u8::is_ascii_hexdigit).collect();
    Ok(String::from_utf8(digest).ok().map(|digest| (start, digest.to_ascii_lowercase())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list_of(passwords: &[String], end: &str) -> (tempfile::TempDir, PathBuf) {
        let sha1 = |text: &String| hex(digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()).as_ref()).to_uppercase();
        let mut lines: Vec<String> = passwords.iter().map(sha1).collect();
        lines.sort();
        let lines: Vec<String> = lines.iter().zip(1..).map(|(line, count)| format!("{line}:{count}{end}")).collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list.txt");
        std::fs::write(&path, lines.concat()).unwrap();
        (folder, path)
    }

    #[test]
    fn every_password_of_the_list_is_found_and_no_other() {
        for end in ["\n", "\r\n"] {
            for length in [0, 1, 2, 3, 10, 257] {
                let passwords: Vec<String> = (0..length).map(|number| format!("password number {number}")).collect();
                let (_folder, path) = list_of(&passwords, end);
                let list = Breached::open(&path).unwrap();
                for password in &passwords {
                    assert!(list.has(password).unwrap(), "{password} of {length}");
                }
                for other in (0..300).map(|number| format!("another one {number}")) {
                    assert!(!list.has(&other).unwrap(), "{other} of {length}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_list_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Breached::open(&folder.path().join("none")).unwrap_err().contains("cannot read"));
        let text = folder.path().join("text");
        std::fs::write(&text, "password\n123456\n").unwrap();
        assert!(Breached::open(&text).unwrap_err().contains("SHA-1"));
    }
}
