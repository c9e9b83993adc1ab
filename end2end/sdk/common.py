"""What the tests of the Python packages ask for."""

import os

from pydantic import BaseModel

ROOT = os.environ["END2END_URL"]
URL = ROOT + "/api/v1"
KEY = os.environ["END2END_KEY"]
POOR_KEY = os.environ["END2END_POOR_KEY"]
WRONG_KEY = "sk-or-v1-" + "0" * 64
# One for each protocol the simulated providers speak: OpenAI chat, Anthropic Messages, Gemini.
MODELS = ["openai/gpt-5.4-mini", "anthropic/claude-haiku-4.5", "google/gemini-3.5-flash"]
EMBEDDERS = ["openai/text-embedding-3-small", "google/gemini-embedding-001"]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}},
            "required": ["city", "unit"],
            "additionalProperties": False,
        },
    },
}
IN_PARIS = {"city": "Paris", "unit": "celsius"}
# What the tool says, and what a model makes of it.
FORECAST = "17 degrees, cloudy"
REPEATS_FORECAST = "The tool answered: .*17 degrees, cloudy"
# What a model says of one picture, and while it thinks.
SEES_PICTURE = "One image came along"
THINKS = "This reasoning is simulated"
# One red point.
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
PIXEL_URL = "data:image/png;base64," + PIXEL


class Person(BaseModel):
    name: str
    age: int


PERSON = {**Person.model_json_schema(), "additionalProperties": False}


def hello(text="Say hello."):
    return [{"role": "user", "content": text}]


ASK_WEATHER = hello("What is the weather in Paris in celsius?")


def faulty(fault):
    """A question after which the provider fails."""
    return f"Hello there, tell me more. [[fault:{fault}]]"
