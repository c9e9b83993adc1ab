//! Requests at random: well formed, and using what the protocol at hand can say.

use serde_json::{Value, json};

use crate::dialects::inference::{
    Inference, Message, Part, Reasoning, ResponseFormat, Role, Sampling, Tool, ToolCall, ToolChoice,
};
use crate::dialects::{Dialect, reasoning};

/// Numbers that look random and are the same every time.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    /// A number below `sides`.
    fn roll(&mut self, sides: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }

    fn chance(&mut self) -> bool {
        self.roll(2) == 0
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.chance().then(|| make(self))
    }

    fn several<T>(&mut self, most: u64, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..=self.roll(most)).map(|_| make(self)).collect()
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[usize::try_from(self.roll(u64::try_from(list.len()).unwrap())).unwrap()]
    }

    fn text(&mut self) -> String {
        let words = [
            "Hello",
            "wörld",
            "{\"a\": 1}",
            "\"quoted\"",
            "line\nbreak",
            "👩‍👩‍👧",
            "\\u0000",
            "</s>",
            "日本語",
            "a\tb",
            "'",
            "%s",
        ];
        self.several(4, |dice| dice.pick(&words).to_owned()).join(" ")
    }

    /// Quarters, which every notation of numbers keeps.
    fn share(&mut self) -> f64 {
        f64::from(u32::try_from(self.roll(5)).unwrap()) / 4.0
    }

    fn value(&mut self, depth: u64) -> Value {
        match self.roll(if depth == 0 { 5 } else { 7 }) {
            0 => json!(self.roll(1_000_000)),
            1 => json!(self.share()),
            2 => json!(self.chance()),
            3 => Value::Null,
            4 => json!(self.text()),
            5 => self.several(2, |dice| dice.value(depth - 1)).into(),
            _ => self.object(depth - 1),
        }
    }

    fn object(&mut self, depth: u64) -> Value {
        let names = ["city", "unit", "n", "ünïcode", "with space", "type", "input"];
        json!(
            self.several(3, |dice| (dice.pick(&names).to_owned(), dice.value(depth)))
                .into_iter()
                .collect::<serde_json::Map<_, _>>()
        )
    }

    fn schema(&mut self) -> Value {
        json!({ "type": "object", "properties": { self.pick(&["a", "b"]): { "type": "string", "description": self.text() } },
                "required": ["a"], "additionalProperties": false })
    }
}

pub(super) fn request(dice: &mut Dice, dialect: Dialect) -> Inference {
    let mut tools = if dice.chance() { dice.several(2, |dice| tool(dice, dialect)) } else { Vec::new() };
    for (index, tool) in tools.iter_mut().enumerate() {
        tool.name = format!("tool_{index}");
    }
    let mut messages = conversation(dice, dialect, &tools);
    // Thinking excludes other wishes, which have cases of their own.
    let last = messages.iter().rfind(|message| message.role == Role::Assistant);
    let is_loop = last.is_some_and(|last| !last.tool_calls.is_empty());
    let thinks = !is_loop && dice.roll(3) == 0;
    let choice = (!tools.is_empty()).then(|| dice.maybe(|dice| tool_choice(dice, thinks))).flatten();
    let parallel = choice.as_ref().filter(|choice| **choice != ToolChoice::None).and_then(|_| dice.maybe(Dice::chance));
    if messages.is_empty() {
        messages.push(Message { content: vec![Part::text("u")], ..Message::default() });
    }
    Inference {
        models: vec!["m".to_owned()],
        is_streamed: dice.chance(),
        messages,
        tools,
        tool_choice: choice,
        // Not said is the same as allowed.
        parallel_tool_calls: parallel.filter(|parallel| !parallel),
        sampling: sampling(dice, dialect, thinks),
        response_format: dice.maybe(|dice| ResponseFormat::JsonSchema {
            name: "response".to_owned(),
            schema: dice.schema(),
            strict: Some(true),
        }),
        reasoning: thinks.then(|| Reasoning { max_tokens: Some(2_000 + dice.roll(100)), ..Reasoning::default() }),
        user: dice.maybe(Dice::text),
        cache_control: dice.maybe(|_| json!({ "type": "ephemeral" })),
        ..Inference::default()
    }
}

fn tool(dice: &mut Dice, dialect: Dialect) -> Tool {
    let mark =
        (dialect == Dialect::AnthropicMessages).then(|| dice.maybe(|_| json!({ "type": "ephemeral" }))).flatten();
    Tool {
        description: dice.maybe(Dice::text),
        parameters: Some(dice.schema()),
        cache_control: mark,
        ..Tool::default()
    }
}

fn tool_choice(dice: &mut Dice, thinks: bool) -> ToolChoice {
    match dice.roll(if thinks { 2 } else { 4 }) {
        0 => ToolChoice::Auto,
        1 => ToolChoice::None,
        2 => ToolChoice::Required,
        _ => ToolChoice::Function("tool_0".to_owned()),
    }
}

fn sampling(dice: &mut Dice, dialect: Dialect, thinks: bool) -> Sampling {
    let is_claude = dialect == Dialect::AnthropicMessages;
    let free = !(is_claude && thinks);
    let temperature = dice.maybe(Dice::share).filter(|_| free);
    let others = |dice: &mut Dice| dice.maybe(|dice| dice.share() * 2.0 - 1.0).filter(|_| !is_claude);
    Sampling {
        max_tokens: dice.maybe(|dice| 4_000 + dice.roll(1_000)),
        top_p: dice.maybe(Dice::share).filter(|_| free && !(is_claude && temperature.is_some())),
        top_k: dice.maybe(|dice| 1 + dice.roll(50)).filter(|_| free),
        temperature,
        frequency_penalty: others(dice),
        presence_penalty: others(dice),
        seed: dice.maybe(|dice| i64::try_from(dice.roll(1_000)).unwrap()).filter(|_| !is_claude),
        stop: if dice.chance() { dice.several(2, |dice| format!("{}END", dice.text())) } else { Vec::new() },
        ..Sampling::default()
    }
}

fn conversation(dice: &mut Dice, dialect: Dialect, tools: &[Tool]) -> Vec<Message> {
    let mut messages = Vec::new();
    if dice.chance() {
        messages.push(Message { role: Role::System, content: vec![text(dice, dialect)], ..Message::default() });
    }
    for turn in 0..=dice.roll(3) {
        let content = dice.several(2, |dice| part(dice, dialect));
        messages.push(Message { role: Role::User, content, ..Message::default() });
        if dice.roll(3) > 0 {
            answer(dice, dialect, tools, turn, &mut messages);
        }
    }
    if messages.last().is_some_and(|last| last.role == Role::Assistant) {
        messages.push(Message { content: vec![Part::text("Go on.")], ..Message::default() });
    }
    messages
}

/// What the assistant said, and the results of the calls it made.
fn answer(dice: &mut Dice, dialect: Dialect, tools: &[Tool], turn: u64, out: &mut Vec<Message>) {
    let mut message = Message { role: Role::Assistant, ..Message::default() };
    if tools.is_empty() || dice.chance() {
        message.content.push(Part::text(dice.text()));
    }
    if !tools.is_empty() && (message.content.is_empty() || dice.chance()) {
        message.tool_calls = dice.several(2, |dice| ToolCall {
            name: format!("tool_{}", dice.roll(u64::try_from(tools.len()).unwrap())),
            arguments: dice.object(2).to_string(),
            ..ToolCall::default()
        });
    }
    for (index, call) in message.tool_calls.iter_mut().enumerate() {
        call.id = format!("call_{turn}-{index}");
    }
    if dice.chance() {
        message.reasoning_details = details(dice, dialect, &message);
    }
    let calls = message.tool_calls.clone();
    out.push(message);
    for call in calls {
        let said = if dice.roll(4) == 0 { json!({ "a": dice.value(1), "b": 1 }).to_string() } else { dice.text() };
        let is_error = dialect != Dialect::OpenaiChat && dice.roll(4) == 0;
        out.push(Message {
            role: Role::Tool,
            content: vec![Part::text(if is_error { format!("failed: {said}") } else { said })],
            tool_call_id: Some(call.id),
            is_error,
            ..Message::default()
        });
    }
}

/// Reasoning as this provider would have given it.
fn details(dice: &mut Dice, dialect: Dialect, message: &Message) -> Vec<Value> {
    if dialect == Dialect::AnthropicMessages {
        let mut thought = reasoning::text_detail(&dice.text(), reasoning::ANTHROPIC, 0);
        thought["signature"] = json!(dice.text());
        let redacted = reasoning::encrypted_detail(&dice.text(), reasoning::ANTHROPIC, 1, None);
        return if dice.chance() { vec![thought] } else { vec![thought, redacted] };
    }
    if dialect == Dialect::Gemini {
        let call = message.tool_calls.first().map(|call| call.id.as_str());
        return vec![reasoning::encrypted_detail(&format!("sig{}", dice.roll(1_000)), reasoning::GEMINI, 0, call)];
    }
    Vec::new()
}

fn text(dice: &mut Dice, dialect: Dialect) -> Part {
    let is_marked = dialect == Dialect::AnthropicMessages && dice.roll(4) == 0;
    Part::Text { text: dice.text(), cache_control: is_marked.then(|| json!({ "type": "ephemeral", "ttl": "1h" })) }
}

fn part(dice: &mut Dice, dialect: Dialect) -> Part {
    let url = |dice: &mut Dice, kind: &str, name: &str| {
        if dice.chance() { format!("data:{kind};base64,QUJD") } else { format!("https://a.example/{name}?x=1") }
    };
    match dice.roll(6) {
        0 => Part::Image { url: url(dice, "image/png", "p.png"), detail: None, cache_control: None },
        1 => Part::File {
            name: None,
            data: Some(url(dice, "application/pdf", "d.pdf")),
            file_id: None,
            cache_control: None,
        },
        2 if dialect != Dialect::AnthropicMessages => {
            Part::Audio { data: "QUJD".to_owned(), format: dice.pick(&["wav", "mp3"]).to_owned() }
        }
        3 if dialect != Dialect::AnthropicMessages => Part::Video { url: url(dice, "video/mp4", "v.mp4") },
        _ => text(dice, dialect),
    }
}
