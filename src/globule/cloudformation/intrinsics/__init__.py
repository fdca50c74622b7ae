"""CloudFormation's intrinsic functions: pure evaluation of what a template says, given facts.

`evaluation.FUNCTIONS` is the literal list of those that exist here. Expansion of `Fn::ForEach` and `AWS::Include`
is not evaluation: it happens to the template's text, before (`language_extensions`, `includes`).
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""
