//! Many rows in one statement, from a few texts made once.

use sqlx::Any;
use sqlx::AnyConnection;
use sqlx::any::AnyArguments;
use sqlx::query::Query;

/// Rows per statement, largest first. A batch is cut into these.
const SIZES: [usize; 4] = [64, 16, 4, 1];

/// A query being given its values.
pub type Binding<'q> = Query<'q, Any, AnyArguments>;

/// `head VALUES (…), (…) tail` for each of the sizes.
#[derive(Debug)]
pub struct Bulk {
    texts: [&'static str; SIZES.len()],
}

impl Bulk {
    /// `head` ends before `VALUES`; every row has `columns` values; `tail` is `ON CONFLICT …` or empty.
    /// The texts live as long as the program: call this once per statement.
    #[must_use]
    pub fn insert(head: &str, columns: usize, tail: &str) -> Self {
        Self {
            texts: SIZES.map(|rows| {
                let mut text = format!("{head} VALUES ");
                for row in 0..rows {
                    text.push_str(if row == 0 { "(" } else { ", (" });
                    push_placeholders(&mut text, row * columns, columns);
                    text.push(')');
                }
                text.push(' ');
                text.push_str(tail);
                &*text.leak()
            }),
        }
    }

    /// `head IN ($1, …) tail` for one value a row.
    #[must_use]
    pub fn in_list(head: &str, tail: &str) -> Self {
        Self {
            texts: SIZES.map(|rows| {
                let mut text = format!("{head} IN (");
                push_placeholders(&mut text, 0, rows);
                text.push_str(") ");
                text.push_str(tail);
                &*text.leak()
            }),
        }
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
        for (text, chunk) in self.chunks(rows) {
            let query = chunk.iter().fold(sqlx::query(text), &bind);
            query.execute(&mut *connection).await?;
        }
        Ok(())
    }

    /// The statement and the rows of each round trip.
    pub fn chunks<'q, T>(&self, mut rows: &'q [T]) -> Vec<(&'static str, &'q [T])> {
        let mut out = Vec::new();
        for (text, size) in self.texts.into_iter().zip(SIZES) {
            while rows.len() >= size {
                let (chunk, rest) = rows.split_at(size);
                out.push((text, chunk));
                rows = rest;
            }
        }
        out
    }
}

fn push_placeholders(text: &mut String, before: usize, count: usize) {
    for column in 0..count {
        if column > 0 {
            text.push_str(", ");
        }
        text.push('$');
        text.push_str(&(before + column + 1).to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_cut_into_the_sizes_and_none_is_lost() {
        let bulk = Bulk::insert("INSERT INTO t (a, b)", 2, "");
        let rows: Vec<u32> = (0..87).collect();
        let chunks = bulk.chunks(&rows);
        let sizes: Vec<usize> = chunks.iter().map(|(_, rows)| rows.len()).collect();
        assert_eq!(sizes, [64, 16, 4, 1, 1, 1]);
        assert_eq!(chunks.iter().flat_map(|(_, rows)| rows.iter().copied()).collect::<Vec<_>>(), rows);
        assert_eq!(chunks[3].0, "INSERT INTO t (a, b) VALUES ($1, $2) ");
        assert!(chunks[2].0.contains("($7, $8)"));
    }
}
