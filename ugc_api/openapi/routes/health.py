"""Health and metrics, as the documentation shows them."""

from typing import Any

from ugc_api.openapi.parts import json_answer, problem_answer, ref, refusals_of_keys
from ugc_api.openapi.schemas import SECRET_KEYS
from ugc_api.problems import ProblemCode

CHECK = {"ready": True, "message": "ok", "elapsed_ms": 0.1}
BROKEN = {"ready": False, "message": "the broker does not answer: Local: Timed out", "elapsed_ms": 0.1}

DOCS: dict[str, dict[str, Any]] = {
    "health_live": {
        "tags": ["health"],
        "summary": "Is the process alive",
        "description": "Answers as long as the process does, whatever it depends on.",
        "operationId": "health_live",
        "responses": {"200": json_answer("It is.", ref("Live"), live={"status": "live"})},
    },
    "health_ready": {
        "tags": ["health"],
        "summary": "Would a request be served now",
        "description": "The broker answered within the last two seconds and the warehouse answers now.",
        "operationId": "health_ready",
        "responses": {
            "200": json_answer(
                "It would.",
                ref("Ready"),
                ready={"status": "ready", "checks": {"broker": CHECK, "warehouse": CHECK}},
            ),
            "503": problem_answer(
                ProblemCode.NOT_READY,
                schema=ref("ReadyProblem"),
                members={ProblemCode.NOT_READY: {"checks": {"broker": BROKEN, "warehouse": CHECK}}},
            ),
        },
    },
    "prometheus_metrics": {
        "tags": ["health"],
        "summary": "Metrics",
        "description": "The metrics of this process, for Prometheus; with keys on, it needs the scope read.",
        "operationId": "prometheus_metrics",
        "security": SECRET_KEYS,
        "responses": {
            "200": {
                "description": "Prometheus text.",
                "content": {"text/plain": {"schema": {"type": "string"}}},
            },
            **refusals_of_keys(),
        },
    },
}
