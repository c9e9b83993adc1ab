//! The arithmetic of stacked columns: totals, a scale of round numbers, rectangles.

/// One named row of values, one per column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    pub name: String,
    pub values: Vec<f64>,
}

/// One rectangle, in units of the drawing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Block {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
    /// Which series and column it stands for.
    pub series: usize,
    pub column: usize,
}

/// Stacked columns laid out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stack {
    pub blocks: Vec<Block>,
    /// The values of the grid lines, lowest (zero) first, evenly spaced.
    pub ticks: Vec<f64>,
}

/// Lays `series` out on top of each other, first at the bottom, in a drawing of this size.
#[must_use]
pub fn stack(series: &[Series], columns: usize, width: f64, height: f64) -> Stack {
    let total = |column: usize| -> f64 { series.iter().map(|row| value(row, column)).sum() };
    let highest = (0..columns).map(total).fold(0.0, f64::max);
    let ticks = ticks(highest);
    let top = ticks.last().copied().unwrap_or(1.0);
    let step = width / f64::from(u32::try_from(columns.max(1)).unwrap_or(u32::MAX));
    let gap = if columns > 60 { 0.1 } else { 0.22 };
    let mut blocks = Vec::new();
    let mut left = step * gap / 2.0;
    for column in 0..columns {
        let mut base = height;
        for (index, row) in series.iter().enumerate() {
            let size = value(row, column) / top * height;
            if size > 0.0 {
                base -= size;
                let width = step * (1.0 - gap);
                blocks.push(Block { x: left, y: base, width, height: size, series: index, column });
            }
        }
        left += step;
    }
    Stack { blocks, ticks }
}

/// What is drawn for a column: nothing for what is missing, negative or no number.
fn value(row: &Series, column: usize) -> f64 {
    row.values.get(column).copied().filter(|value| value.is_finite()).unwrap_or(0.0).max(0.0)
}

/// Four steps from zero to the first round number that is not below `highest`.
#[must_use]
pub fn ticks(highest: f64) -> Vec<f64> {
    const STEPS: f64 = 4.0;
    let highest = if highest.is_finite() && highest > 0.0 { highest } else { 1.0 };
    let raw = highest / STEPS;
    let magnitude = 10_f64.powf(raw.log10().floor());
    let step = [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0]
        .into_iter()
        .map(|factor| factor * magnitude)
        .find(|step| step * STEPS >= highest * 0.999_999)
        .unwrap_or(10.0 * magnitude);
    [0.0, 1.0, 2.0, 3.0, STEPS].into_iter().map(|index| index * step).collect()
}

/// Sums values over runs of `size` columns, so that a year fits. The label is the first of its run;
/// what does not fill a run is left out at the beginning, since a short column would look like a fall.
#[must_use]
pub fn grouped(labels: &[String], series: &[Series], size: usize) -> (Vec<String>, Vec<Series>) {
    let size = size.max(1);
    let skipped = labels.len() % size;
    let labels =
        labels.get(skipped..).unwrap_or_default().chunks(size).filter_map(|run| run.first().cloned()).collect();
    let series = series
        .iter()
        .map(|row| Series {
            name: row.name.clone(),
            values: row.values.get(skipped..).unwrap_or_default().chunks(size).map(|run| run.iter().sum()).collect(),
        })
        .collect();
    (labels, series)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, values: &[f64]) -> Series {
        Series { name: name.into(), values: values.to_vec() }
    }

    #[test]
    fn ticks_are_round_and_cover_the_highest_value() {
        assert_eq!(ticks(97.0), [0.0, 25.0, 50.0, 75.0, 100.0]);
        assert_eq!(ticks(100.0), [0.0, 25.0, 50.0, 75.0, 100.0]);
        assert_eq!(ticks(0.0), [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(ticks(f64::NAN).last(), Some(&1.0));
        for highest in [0.000_003, 0.7, 1.0, 3.3, 41.0, 1_234.0, 9.9e12] {
            let ticks = ticks(highest);
            let top = ticks[4];
            assert!(top >= highest * 0.999 && top < highest * 2.0, "{highest} under {top}");
        }
    }

    #[test]
    fn columns_stack_from_the_bottom_without_gap_or_overlap() {
        let drawn = stack(&[row("a", &[10.0, 0.0]), row("b", &[30.0, 20.0])], 2, 100.0, 40.0);
        let first: Vec<_> = drawn.blocks.iter().filter(|block| block.column == 0).collect();
        assert_eq!(first.len(), 2);
        assert!((first[0].y + first[0].height - 40.0).abs() < 1e-9, "the lowest stands on the line");
        assert!((first[1].y + first[1].height - first[0].y).abs() < 1e-9, "the next stands on it");
        assert!((first[1].y).abs() < 1e-9, "a full column reaches the top tick");
        assert_eq!(drawn.blocks.iter().filter(|block| block.column == 1).count(), 1, "nothing is drawn for zero");
        assert!(drawn.blocks.iter().all(|block| block.x >= 0.0 && block.x + block.width <= 100.0));
    }

    #[test]
    fn missing_negative_and_absurd_values_draw_nothing() {
        let drawn = stack(&[row("a", &[-5.0, f64::NAN, f64::INFINITY])], 4, 100.0, 40.0);
        assert_eq!(drawn.blocks, []);
        assert_eq!(stack(&[], 0, 100.0, 40.0).blocks, []);
    }

    #[test]
    fn a_year_of_days_becomes_whole_weeks() {
        let labels: Vec<String> = (0..365).map(|day| day.to_string()).collect();
        let (weeks, series) = grouped(&labels, &[row("a", &[1.0; 365])], 7);
        assert_eq!((weeks.len(), series[0].values.len()), (52, 52));
        assert_eq!(weeks[1], "8");
        assert!(series[0].values.iter().all(|value| (value - 7.0).abs() < 1e-9));
    }
}
