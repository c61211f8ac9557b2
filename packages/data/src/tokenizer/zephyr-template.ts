/** The chat template of zephyr-7b-beta: `<|role|>`, newline, content, `</s>`, newline; no BOS. */
export const ZEPHYR_CHAT_TEMPLATE = `{% for message in messages %}
{% if message['role'] in ['user', 'system', 'assistant'] %}
{{ '<|' + message['role'] + '|>\\n' + message['content'] + eos_token }}
{% endif %}
{% if loop.last and add_generation_prompt %}
{{ '<|assistant|>' }}
{% endif %}
{% endfor %}`;

/** The same text with generation marks around what the assistant writes: its content and `</s>`, not the newline after it. */
export const ZEPHYR_GENERATION_TEMPLATE = `{%- for message in messages -%}
{%- if message['role'] == 'assistant' -%}
{{- '<|assistant|>\\n' -}}
{%- generation -%}{{- message['content'] + eos_token -}}{%- endgeneration -%}
{{- '\\n' -}}
{%- elif message['role'] in ['user', 'system'] -%}
{{- '<|' + message['role'] + '|>\\n' + message['content'] + eos_token + '\\n' -}}
{%- endif -%}
{%- if loop.last and add_generation_prompt -%}
{{- '<|assistant|>\\n' -}}
{%- endif -%}
{%- endfor -%}`;
