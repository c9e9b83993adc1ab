// The official @openrouter/sdk, in the release of today and the last one before 1.0.

import { OpenRouter } from "@openrouter/sdk";
import * as errors from "@openrouter/sdk/models/errors";
import { OpenRouter as OldOpenRouter } from "openrouter-sdk-0-13";
import * as oldErrors from "openrouter-sdk-0-13/models/errors";
import { suite } from "./openrouter_suite.mjs";

suite(OpenRouter, errors, "1.3");
suite(OldOpenRouter, oldErrors, "0.13");
