//! The `usage` object: token counts and what they cost.

use app::types::Money;
use serde::Serialize;

use crate::dialects::answer::UsageReport;

/// The `usage` object of an answer.
#[derive(Serialize)]
pub struct UsageBody {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    cost: Money,
    is_byok: bool,
    prompt_tokens_details: PromptDetails,
    cost_details: CostDetails,
    completion_tokens_details: CompletionDetails,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_tool_use_details: Option<ServerToolUse>,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the names on the wire")]
struct PromptDetails {
    cached_tokens: u64,
    cache_write_tokens: u64,
    audio_tokens: u64,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the names on the wire")]
struct CostDetails {
    upstream_inference_cost: Option<Money>,
    upstream_inference_prompt_cost: Money,
    upstream_inference_completions_cost: Money,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_tool_cost: Option<Money>,
}

#[derive(Serialize)]
struct CompletionDetails {
    reasoning_tokens: u64,
    audio_tokens: u64,
}

#[derive(Serialize)]
struct ServerToolUse {
    web_search_requests: u64,
}

impl From<&UsageReport> for UsageBody {
    fn from(report: &UsageReport) -> Self {
        let usage = &report.usage;
        let prompt_tokens = usage.prompt_tokens.unwrap_or(0);
        let completion_tokens = usage.completion_tokens.unwrap_or(0);
        Self {
            prompt_tokens,
            completion_tokens,
            total_tokens: prompt_tokens.saturating_add(completion_tokens),
            cost: report.cost,
            is_byok: report.is_byok,
            prompt_tokens_details: PromptDetails {
                cached_tokens: usage.cached_tokens.unwrap_or(0),
                cache_write_tokens: usage.cache_write_tokens.unwrap_or(0),
                audio_tokens: usage.prompt_audio_tokens.unwrap_or(0),
            },
            cost_details: CostDetails {
                upstream_inference_cost: report.upstream_inference_cost,
                upstream_inference_prompt_cost: report.prompt_cost,
                upstream_inference_completions_cost: report.completion_cost,
                server_tool_cost: (!report.search.is_zero()).then_some(report.search),
            },
            completion_tokens_details: CompletionDetails {
                reasoning_tokens: usage.reasoning_tokens.unwrap_or(0),
                audio_tokens: usage.completion_audio_tokens.unwrap_or(0),
            },
            server_tool_use_details: usage
                .web_search_requests
                .map(|web_search_requests| ServerToolUse { web_search_requests }),
        }
    }
}
