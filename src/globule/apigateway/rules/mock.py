"""Which answer a mock integration gives.

https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-mock-integration.html: the status that the request
template names is matched against each answer's selection pattern; the default answer takes the rest.
"""

from __future__ import annotations

import re

from globule.apigateway.model import MockAnswer, MockIntegration

DEFAULT = "default"


def select_answer(integration: MockIntegration) -> MockAnswer | None:
    status = str(integration.status)
    for pattern, answer in integration.answers.items():
        if pattern != DEFAULT and re.fullmatch(pattern, status):
            return answer
    return integration.answers.get(DEFAULT)
