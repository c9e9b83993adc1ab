//! Votes → ratings, by the model of Bradley and Terry: the chance that one model is preferred to
//! another is logistic in the difference of their strengths.

use std::collections::HashMap;

/// A comparison of two models, by their index.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Duel {
    pub a: usize,
    pub b: usize,
    /// 1 when `a` was preferred, 0 when `b` was, a half for a tie.
    pub score: f64,
    /// How much it counts.
    pub weight: f64,
    /// How much longer the answer of `a` was, -1 to 1.
    pub length: f64,
}

/// What the duels say of a model, on Elo's scale.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Strength {
    pub rating: f64,
    /// Half of the 95 % confidence interval.
    pub margin: f64,
}

/// Elo's points for a factor of e in the odds.
const SCALE: f64 = 400.0 / std::f64::consts::LN_10;
const MIDDLE: f64 = 1_000.0;
/// Pulls models with few duels to the middle: as if each had drawn one with an average model.
const PRIOR: f64 = 0.5;
const ROUNDS: usize = 200;

/// Strengths of `count` models. With `is_length_free` the effect of the answers' length is
/// estimated along with them and taken out.
#[must_use]
pub fn strengths(count: usize, duels: &[Duel], is_length_free: bool) -> Vec<Strength> {
    let mut theta = vec![0.0_f64; count];
    let mut length = 0.0_f64;
    let mut information = vec![PRIOR; count];
    for _ in 0..ROUNDS {
        let mut slopes: Vec<f64> = theta.iter().map(|value| -PRIOR * value).collect();
        information = vec![PRIOR; count];
        let (mut length_slope, mut length_information) = (-length, 1.0_f64);
        for duel in duels {
            let (Some(a), Some(b)) = (theta.get(duel.a), theta.get(duel.b)) else { continue };
            let chance = 1.0 / (1.0 + (b - a - length * duel.length).exp());
            let (error, spread) = (duel.weight * (duel.score - chance), duel.weight * chance * (1.0 - chance));
            for (index, sign) in [(duel.a, 1.0), (duel.b, -1.0)] {
                if let (Some(slope), Some(known)) = (slopes.get_mut(index), information.get_mut(index)) {
                    *slope += sign * error;
                    *known += spread;
                }
            }
            length_slope += error * duel.length;
            length_information += spread * duel.length * duel.length;
        }
        // Half of a Newton step along the diagonal: both sides of a duel move.
        let mut largest = 0.0_f64;
        for ((value, slope), known) in theta.iter_mut().zip(slopes).zip(&information) {
            let step = slope / known / 2.0;
            *value += step;
            largest = largest.max(step.abs());
        }
        if is_length_free {
            length += length_slope / length_information / 2.0;
        }
        if largest < 1e-7 {
            break;
        }
    }
    let average = theta.iter().sum::<f64>() / f64::from(u32::try_from(count.max(1)).unwrap_or(u32::MAX));
    theta
        .iter()
        .zip(information)
        .map(|(value, known)| Strength {
            rating: MIDDLE + (value - average) * SCALE,
            margin: 1.96 / known.sqrt() * SCALE,
        })
        .collect()
}

/// How much each of a person's votes on the same two models counts: the first wholly, the next
/// ever less, so that no one person decides a place.
#[must_use]
pub fn weights(votes: &[(&str, &str, &str)]) -> Vec<f64> {
    let mut seen: HashMap<(&str, &str, &str), u32> = HashMap::new();
    votes
        .iter()
        .map(|(user, a, b)| {
            let pair = if a < b { (*user, *a, *b) } else { (*user, *b, *a) };
            let count = seen.entry(pair).or_default();
            *count += 1;
            1.0 / f64::from(*count)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn duel(a: usize, b: usize, score: f64) -> Duel {
        Duel { a, b, score, weight: 1.0, length: 0.0 }
    }

    #[test]
    fn known_odds_are_found_again() {
        // 10 of 11 are 400 points; the prior pulls a little to the middle.
        let mut duels = vec![duel(0, 1, 1.0); 1_000];
        duels.extend(vec![duel(0, 1, 0.0); 100]);
        let found = strengths(2, &duels, false);
        let gap = found[0].rating - found[1].rating;
        assert!((gap - 400.0).abs() < 5.0, "{gap}");
        assert!(found[0].margin < 50.0, "{found:?}");
    }

    #[test]
    fn few_duels_have_wide_margins_and_ties_move_nothing() {
        let found = strengths(3, &[duel(0, 1, 0.5), duel(1, 2, 1.0)], false);
        assert!(found.iter().all(|strength| strength.margin > 150.0), "{found:?}");
        assert!(found[1].rating > found[2].rating);
        let even = strengths(2, &[duel(0, 1, 0.5)], false);
        assert!((even[0].rating - even[1].rating).abs() < 1e-6);
    }

    #[test]
    fn a_model_that_wins_by_length_alone_loses_its_lead() {
        // The longer answer wins whoever wrote it; model 0 writes long more often.
        let long = |a, b, score, length| Duel { length, ..duel(a, b, score) };
        let mut duels = vec![long(0, 1, 1.0, 0.8); 60];
        duels.extend(vec![long(0, 1, 0.0, -0.8); 20]);
        let (plain, free) = (strengths(2, &duels, false), strengths(2, &duels, true));
        let gap = |found: &[Strength]| found[0].rating - found[1].rating;
        assert!(gap(&plain) > 100.0 && gap(&free) < gap(&plain) * 0.6, "{} {}", gap(&plain), gap(&free));
    }

    #[test]
    fn a_person_who_votes_again_and_again_counts_ever_less() {
        let weights = weights(&[("u", "a", "b"), ("u", "b", "a"), ("v", "a", "b"), ("u", "a", "b")]);
        assert_eq!(weights, [1.0, 0.5, 1.0, 1.0 / 3.0]);
    }
}
