//! Many rows in one statement, from a few texts made once.
//!
//! PostgreSQL numbers its placeholders. On SQLite they have no names: with names
//! every value bound would search the list of all of them.

use sqlx::Any;
use sqlx::AnyConnection;
use sqlx::any::AnyArguments;
use sqlx::query::Query;

/// Rows per statement, largest first. A batch is cut into these.
const SIZES: [usize; 7] = [64, 32, 16, 8, 4, 2, 1];

/// A query being given its values.
pub type Binding<'q> = Query<'q, Any, AnyArguments>;

/// `head VALUES (…), (…) tail` for each of the sizes.
#[derive(Debug)]
pub struct Bulk {
    /// With `$1`, `$2`, …
    numbered: [&'static str; SIZES.len()],
    /// With `?`.
    plain: [&'static str; SIZES.len()],
}

impl Bulk {
    /// `head` ends before `VALUES`; every row has `columns` values; `tail` is `ON CONFLICT …` or empty.
    /// The texts live as long as the program: call this once per statement.
    #[must_use]
    pub fn insert(head: &str, columns: usize, tail: &str) -> Self {
        Self::of(|rows, placeholder| {
            let mut text = format!("{head} VALUES ");
            for row in 0..rows {
                text.push_str(if row == 0 { "(" } else { ", (" });
                push_placeholders(&mut text, row * columns, columns, placeholder);
                text.push(')');
            }
            text.push(' ');
            text.push_str(tail);
            text
        })
    }

    /// `head IN ($1, …) tail` for one value a row.
    #[must_use]
    pub fn in_list(head: &str, tail: &str) -> Self {
        Self::of(|rows, placeholder| {
            let mut text = format!("{head} IN (");
            push_placeholders(&mut text, 0, rows, placeholder);
            text.push_str(") ");
            text.push_str(tail);
            text
        })
    }

    fn of(text: impl Fn(usize, Placeholder) -> String) -> Self {
        let all = |placeholder| SIZES.map(|rows| &*text(rows, placeholder).leak());
        Self { numbered: all(Placeholder::Numbered), plain: all(Placeholder::Plain) }
    }

    /// Runs the statement over all rows, in as few round trips as the sizes allow.
    ///
    /// # Errors
    /// The first error of the database.
    pub async fn execute<'q, T>(
        &self,
        connection: &mut AnyConnection,
        rows: &'q [T],
        bind: impl Fn(Binding<'q>, &'q T) -> Binding<'q>,
    ) -> sqlx::Result<()> {
        for (text, chunk) in self.chunks(connection, rows) {
            let query = chunk.iter().fold(sqlx::query(text), &bind);
            query.execute(&mut *connection).await?;
        }
        Ok(())
    }

    /// The statement and the rows of each round trip.
    pub fn chunks<'q, T>(&self, connection: &AnyConnection, rows: &'q [T]) -> Vec<(&'static str, &'q [T])> {
        let is_sqlite = connection.backend_name() == "SQLite";
        cut(if is_sqlite { self.plain } else { self.numbered }, rows)
    }
}

fn cut<'q, T>(texts: [&'static str; SIZES.len()], mut rows: &'q [T]) -> Vec<(&'static str, &'q [T])> {
    let mut out = Vec::new();
    for (text, size) in texts.into_iter().zip(SIZES) {
        while rows.len() >= size {
            let (chunk, rest) = rows.split_at(size);
            out.push((text, chunk));
            rows = rest;
        }
    }
    out
}

#[derive(Clone, Copy)]
enum Placeholder {
    Numbered,
    Plain,
}

fn push_placeholders(text: &mut String, before: usize, count: usize, placeholder: Placeholder) {
    for column in 0..count {
        if column > 0 {
            text.push_str(", ");
        }
        match placeholder {
            Placeholder::Numbered => {
                text.push('$');
                text.push_str(&(before + column + 1).to_string());
            }
            Placeholder::Plain => text.push('?'),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_cut_into_the_sizes_and_none_is_lost() {
        let bulk = Bulk::insert("INSERT INTO t (a, b)", 2, "");
        let rows: Vec<u32> = (0..87).collect();
        let chunks = cut(bulk.numbered, &rows);
        let sizes: Vec<usize> = chunks.iter().map(|(_, rows)| rows.len()).collect();
        assert_eq!(sizes, [64, 16, 4, 2, 1]);
        assert_eq!(chunks.iter().flat_map(|(_, rows)| rows.iter().copied()).collect::<Vec<_>>(), rows);
        assert_eq!(chunks[4].0, "INSERT INTO t (a, b) VALUES ($1, $2) ");
        assert!(chunks[2].0.contains("($7, $8)"));
        assert_eq!(cut(bulk.plain, &rows)[3].0, "INSERT INTO t (a, b) VALUES (?, ?), (?, ?) ");
    }
}
