//! How organizations pay, and promo codes.

use sqlx::FromRow;

use super::Store;

/// How an organization pays, and what is printed on its receipts.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct BillingProfile {
    pub organization_id: String,
    /// What the payment service calls it.
    pub customer_id: String,
    pub card_id: String,
    /// `Visa •••• 4242`.
    pub card_label: String,
    pub tops_up: i64,
    pub threshold_nanos: i64,
    pub top_up_nanos: i64,
    /// How many automatic purchases were begun.
    pub top_ups: i64,
    /// How many failed in a row.
    pub failures: i64,
    pub next_try_at: i64,
    pub problem: String,
    /// When the last letter about a low balance went out; 0 while it is not low.
    pub low_letter_at: i64,
    /// What is low for this organization; the server's own sum where it is not said.
    pub low_balance_nanos: Option<i64>,
    pub name: String,
    pub address: String,
    pub tax_id: String,
    /// Where monthly statements go; empty for nowhere.
    pub statements_to: String,
    /// The newest month whose end was seen, counted from year 0.
    pub statement_month: i64,
    pub updated_at: i64,
}

/// An organization with little credit left, or that was told so.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct LowBalance {
    pub organization_id: String,
    pub available_nanos: i64,
    /// When it was told; 0 when it was not.
    pub told_at: i64,
    /// What is low for it.
    pub low_nanos: i64,
}

/// Credit for whoever knows a word.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct PromoCode {
    pub code: String,
    pub amount_nanos: i64,
    pub uses_left: i64,
    pub expires_at: Option<i64>,
    pub reason: String,
    pub created_at: i64,
}

/// A key with a limit.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct LimitedKey {
    pub id: String,
    pub name: String,
    pub organization_id: String,
    pub limit_nanos: i64,
    pub limit_reset: Option<String>,
    pub include_byok_in_limit: i64,
}

macro_rules! profile_columns {
    () => {
        "organization_id, customer_id, card_id, card_label, tops_up, threshold_nanos, top_up_nanos, top_ups, failures, \
         next_try_at, problem, low_letter_at, low_balance_nanos, name, address, tax_id, statements_to, statement_month, \
         updated_at"
    };
}

impl Store {
    /// How an organization pays; the defaults when nothing is known.
    ///
    /// # Errors
    /// Any database error.
    pub async fn billing_profile(&self, organization_id: &str) -> sqlx::Result<BillingProfile> {
        let row: Option<BillingProfile> =
            sqlx::query_as(concat!("SELECT ", profile_columns!(), " FROM billing_profiles WHERE organization_id = $1"))
                .bind(organization_id)
                .fetch_optional(self.pool())
                .await?;
        Ok(row.unwrap_or_else(|| BillingProfile { organization_id: organization_id.to_owned(), ..Default::default() }))
    }

    /// Everybody who is topped up automatically and whose next try is due.
    ///
    /// # Errors
    /// Any database error.
    pub async fn due_top_ups(&self, now_ms: i64) -> sqlx::Result<Vec<BillingProfile>> {
        sqlx::query_as(concat!(
            "SELECT ",
            profile_columns!(),
            " FROM billing_profiles WHERE tops_up = 1 AND next_try_at <= $1"
        ))
        .bind(now_ms)
        .fetch_all(self.pool())
        .await
    }

    /// Takes the right to begin the automatic purchase number `top_ups + 1`. `false`
    /// when another node has it.
    ///
    /// # Errors
    /// Any database error.
    pub async fn claim_top_up(&self, profile: &BillingProfile, next_try_at: i64) -> sqlx::Result<bool> {
        sqlx::query(
            "UPDATE billing_profiles SET top_ups = top_ups + 1, next_try_at = $1 \
             WHERE organization_id = $2 AND top_ups = $3 AND tops_up = 1",
        )
        .bind(next_try_at)
        .bind(profile.organization_id.as_str())
        .bind(profile.top_ups)
        .execute(self.pool())
        .await
        .map(|done| done.rows_affected() > 0)
    }

    /// Notes how an automatic purchase ended.
    ///
    /// # Errors
    /// Any database error.
    pub async fn end_top_up(&self, profile: &BillingProfile) -> sqlx::Result<()> {
        sqlx::query(
            "UPDATE billing_profiles SET failures = $1, next_try_at = $2, problem = $3, tops_up = $4 \
             WHERE organization_id = $5",
        )
        .bind(profile.failures)
        .bind(profile.next_try_at)
        .bind(profile.problem.as_str())
        .bind(profile.tops_up)
        .bind(profile.organization_id.as_str())
        .execute(self.pool())
        .await
        .map(|_| ())
    }

    async fn ensure_billing_profile(&self, organization_id: &str) -> sqlx::Result<()> {
        sqlx::query(
            "INSERT INTO billing_profiles (organization_id) VALUES ($1) ON CONFLICT (organization_id) DO NOTHING",
        )
        .bind(organization_id)
        .execute(self.pool())
        .await
        .map(|_| ())
    }

    /// Remembers what the payment service calls an organization.
    ///
    /// # Errors
    /// Any database error.
    pub async fn set_customer(&self, organization_id: &str, customer_id: &str) -> sqlx::Result<()> {
        self.ensure_billing_profile(organization_id).await?;
        sqlx::query("UPDATE billing_profiles SET customer_id = $1 WHERE organization_id = $2")
            .bind(customer_id)
            .bind(organization_id)
            .execute(self.pool())
            .await
            .map(|_| ())
    }

    /// Remembers a card, or forgets it when both are empty.
    ///
    /// # Errors
    /// Any database error.
    pub async fn set_card(&self, organization_id: &str, card_id: &str, label: &str) -> sqlx::Result<()> {
        self.ensure_billing_profile(organization_id).await?;
        sqlx::query("UPDATE billing_profiles SET card_id = $1, card_label = $2 WHERE organization_id = $3")
            .bind(card_id)
            .bind(label)
            .bind(organization_id)
            .execute(self.pool())
            .await
            .map(|_| ())
    }

    /// Sets when and by how much to top up.
    ///
    /// # Errors
    /// Any database error.
    pub async fn set_top_up(&self, organization_id: &str, on: bool, threshold: i64, amount: i64) -> sqlx::Result<()> {
        self.ensure_billing_profile(organization_id).await?;
        sqlx::query(
            "UPDATE billing_profiles SET tops_up = $1, threshold_nanos = $2, top_up_nanos = $3, failures = 0, \
             next_try_at = 0, problem = '' WHERE organization_id = $4",
        )
        .bind(i64::from(on))
        .bind(threshold)
        .bind(amount)
        .bind(organization_id)
        .execute(self.pool())
        .await
        .map(|_| ())
    }

    /// Sets what is printed on receipts.
    ///
    /// # Errors
    /// Any database error.
    pub async fn set_invoice_address(
        &self,
        organization_id: &str,
        name: &str,
        address: &str,
        tax_id: &str,
    ) -> sqlx::Result<()> {
        self.ensure_billing_profile(organization_id).await?;
        sqlx::query("UPDATE billing_profiles SET name = $1, address = $2, tax_id = $3 WHERE organization_id = $4")
            .bind(name)
            .bind(address)
            .bind(tax_id)
            .bind(organization_id)
            .execute(self.pool())
            .await
            .map(|_| ())
    }

    /// Sets where monthly statements go, from this month on.
    ///
    /// # Errors
    /// Any database error.
    pub async fn set_statements(&self, organization_id: &str, to: &str, month: i64) -> sqlx::Result<()> {
        self.ensure_billing_profile(organization_id).await?;
        sqlx::query(
            "UPDATE billing_profiles SET statement_month = CASE statements_to WHEN '' THEN $1 ELSE statement_month END, \
             statements_to = $2 WHERE organization_id = $3",
        )
        .bind(month)
        .bind(to)
        .bind(organization_id)
        .execute(self.pool())
        .await
        .map(|_| ())
    }

    /// Who gets statements and has not got that of the month before this one.
    ///
    /// # Errors
    /// Any database error.
    pub async fn due_statements(&self, month: i64) -> sqlx::Result<Vec<BillingProfile>> {
        sqlx::query_as(concat!(
            "SELECT ",
            profile_columns!(),
            " FROM billing_profiles WHERE statements_to <> '' AND statement_month < $1"
        ))
        .bind(month)
        .fetch_all(self.pool())
        .await
    }

    /// Notes that the statements of the months before this one were posted.
    ///
    /// # Errors
    /// Any database error.
    pub async fn note_statement(&self, organization_id: &str, month: i64) -> sqlx::Result<()> {
        sqlx::query(
            "UPDATE billing_profiles SET statement_month = $1 WHERE organization_id = $2 AND statement_month < $1",
        )
        .bind(month)
        .bind(organization_id)
        .execute(self.pool())
        .await
        .map(|_| ())
    }

    /// Notes that a letter about a low balance goes out (or, with 0, that the balance is
    /// well again). `false` when that was known.
    ///
    /// # Errors
    /// Any database error.
    pub async fn note_low_balance(&self, organization_id: &str, at_ms: i64) -> sqlx::Result<bool> {
        self.ensure_billing_profile(organization_id).await?;
        sqlx::query(
            "UPDATE billing_profiles SET low_letter_at = $1 WHERE organization_id = $2 \
             AND (low_letter_at = 0 AND $1 > 0 OR low_letter_at > 0 AND $1 = 0)",
        )
        .bind(at_ms)
        .bind(organization_id)
        .execute(self.pool())
        .await
        .map(|done| done.rows_affected() > 0)
    }

    /// Sets what is low for an organization; `None` for what the server takes for low.
    ///
    /// # Errors
    /// Any database error.
    pub async fn set_low_balance(&self, organization_id: &str, nanos: Option<i64>) -> sqlx::Result<()> {
        self.ensure_billing_profile(organization_id).await?;
        sqlx::query("UPDATE billing_profiles SET low_balance_nanos = $1 WHERE organization_id = $2")
            .bind(nanos)
            .bind(organization_id)
            .execute(self.pool())
            .await
            .map(|_| ())
    }

    /// Organizations that paid or were given something and have less than they call low, which is
    /// `low_nanos` where they do not say, and those who were told so.
    ///
    /// # Errors
    /// Any database error.
    pub async fn low_and_told(&self, low_nanos: i64) -> sqlx::Result<Vec<LowBalance>> {
        sqlx::query_as(
            "SELECT o.id AS organization_id, b.credited_nanos - b.debited_nanos - b.held_nanos AS available_nanos, \
             COALESCE(p.low_letter_at, 0) AS told_at, COALESCE(p.low_balance_nanos, $1) AS low_nanos \
             FROM balances b JOIN organizations o ON b.account_id = 'org:' || o.id || ':credit' \
             LEFT JOIN billing_profiles p ON p.organization_id = o.id \
             WHERE b.credited_nanos > 0 AND (p.low_letter_at > 0 \
             OR b.credited_nanos - b.debited_nanos - b.held_nanos < COALESCE(p.low_balance_nanos, $1))",
        )
        .bind(low_nanos)
        .fetch_all(self.pool())
        .await
    }

    /// Keys that may have used most of their limits.
    ///
    /// # Errors
    /// Any database error.
    pub async fn limited_keys(&self) -> sqlx::Result<Vec<LimitedKey>> {
        sqlx::query_as(
            "SELECT k.id AS id, k.name AS name, k.organization_id AS organization_id, k.limit_nanos AS limit_nanos, \
             k.limit_reset AS limit_reset, k.include_byok_in_limit AS include_byok_in_limit \
             FROM api_keys k JOIN key_usage u ON u.key_id = k.id WHERE k.limit_nanos > 0 AND k.deleted_at IS NULL \
             AND u.total_nanos + u.own_total_nanos * k.include_byok_in_limit >= k.limit_nanos / 5 * 4",
        )
        .fetch_all(self.pool())
        .await
    }

    /// Makes a promo code.
    ///
    /// # Errors
    /// A unique violation when there is one of this name.
    pub async fn insert_promo_code(&self, code: &PromoCode) -> sqlx::Result<()> {
        sqlx::query(
            "INSERT INTO promo_codes (code, amount_nanos, uses_left, expires_at, reason, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(code.code.as_str())
        .bind(code.amount_nanos)
        .bind(code.uses_left)
        .bind(code.expires_at)
        .bind(code.reason.as_str())
        .bind(code.created_at)
        .execute(self.pool())
        .await
        .map(|_| ())
    }

    /// Every promo code, newest first.
    ///
    /// # Errors
    /// Any database error.
    pub async fn promo_codes(&self) -> sqlx::Result<Vec<PromoCode>> {
        sqlx::query_as(
            "SELECT code, amount_nanos, uses_left, expires_at, reason, created_at FROM promo_codes ORDER BY created_at DESC",
        )
        .fetch_all(self.pool())
        .await
    }

    /// Uses a promo code for an organization, once. `None` when it is unknown, used up or
    /// over; a code the organization has used before gives itself, so that its grant can
    /// be booked again under the same id.
    ///
    /// # Errors
    /// Any database error.
    pub async fn use_promo_code(
        &self,
        code: &str,
        organization_id: &str,
        now_ms: i64,
    ) -> sqlx::Result<Option<PromoCode>> {
        let mut tx = self.begin_write().await?;
        let found: Option<PromoCode> = sqlx::query_as(
            "SELECT code, amount_nanos, uses_left, expires_at, reason, created_at FROM promo_codes WHERE code = $1",
        )
        .bind(code)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(found) = found else { return Ok(None) };
        let is_new = sqlx::query(
            "INSERT INTO promo_uses (code, organization_id, created_at) VALUES ($1, $2, $3) \
             ON CONFLICT (code, organization_id) DO NOTHING",
        )
        .bind(code)
        .bind(organization_id)
        .bind(now_ms)
        .execute(&mut *tx)
        .await?
        .rows_affected()
            > 0;
        if is_new {
            let taken = sqlx::query(
                "UPDATE promo_codes SET uses_left = uses_left - 1 WHERE code = $1 AND uses_left > 0 \
                 AND (expires_at IS NULL OR expires_at > $2)",
            )
            .bind(code)
            .bind(now_ms)
            .execute(&mut *tx)
            .await?;
            if taken.rows_affected() == 0 {
                tx.rollback().await?;
                return Ok(None);
            }
        }
        tx.commit().await?;
        Ok(Some(found))
    }

    /// The name of an organization, if there is one.
    ///
    /// # Errors
    /// Any database error.
    pub async fn organization_name(&self, organization_id: &str) -> sqlx::Result<Option<String>> {
        sqlx::query_scalar("SELECT name FROM organizations WHERE id = $1")
            .bind(organization_id)
            .fetch_optional(self.pool())
            .await
    }
}
