/** The fields that several forms share: mobile number and passwords. What is typed as a password leaves only through `opaque`. */
import { t } from '../language.js';
import { field } from './form.js';

export function mobileField(more = {}) {
  return field({
    name: 'id',
    label: t('mobile'),
    type: 'tel',
    inputmode: 'numeric',
    autocomplete: 'username',
    pattern: '1[0-9]{10}',
    maxlength: 11,
    required: true,
    'data-wrong': t('mobileWrong'),
    ...more,
  });
}

/** @param {'current-password' | 'new-password'} autocomplete */
export function passwordField(name, label, autocomplete, hint) {
  return field({
    name,
    label,
    hint,
    type: 'password',
    autocomplete,
    required: true,
    maxlength: 128,
    minlength: autocomplete === 'new-password' ? 6 : null,
  });
}
