import { m } from '../../messages/compiled/messages.js';
import type { Language } from './language.ts';

/**
 * The words of the frame around every page, of the home page and of the error pages. Chosen on the server: browsers get one
 * language, and no table of texts in their script.
 */
export function siteWords(language: Language) {
  const locale = { locale: language };
  return {
    skip: m.site_skip({}, locale),
    home: m.site_home({}, locale),
    languages: m.site_languages({}, locale),
    licence: m.site_licence({}, locale),
    nav: m.site_nav({}, locale),
    topUp: m.site_nav_topup({}, locale),
    redeem: m.site_nav_redeem({}, locale),
    request: m.site_nav_request({}, locale),
    problems: m.site_problems({}, locale),
    unreachable: m.site_unreachable({}, locale),
    goOn: m.site_continue({}, locale),
    change: m.site_change({}, locale),
    link: m.site_link({}, locale),
    copy: m.site_copy({}, locale),
    copied: m.site_copied({}, locale),
    share: m.site_share({}, locale),
  };
}

export type SiteWords = ReturnType<typeof siteWords>;

/** The title of a page whose form has something wrong in it. */
export function errorTitle(title: string, language: Language): string {
  return m.site_error_mark({ title }, { locale: language });
}

export function homeWords(language: Language) {
  const locale = { locale: language };
  return {
    title: m.site_home_title({}, locale),
    summary: m.site_home_summary({}, locale),
    meaning: m.site_home_meaning({}, locale),
    start: m.site_home_start({}, locale),
    request: m.request_title({}, locale),
    requestText: m.request_about({}, locale),
    requestMake: m.request_make({}, locale),
    phone: m.site_home_phone({}, locale),
    phoneText: m.site_home_phone_text({}, locale),
    phoneOpen: m.site_home_phone_open({}, locale),
    phoneOff: m.site_home_phone_off({}, locale),
    codes: m.site_home_codes({}, locale),
    codesText: m.site_home_codes_text({}, locale),
    codesUnread: m.site_home_codes_unread({}, locale),
    codesNone: m.site_home_codes_none({}, locale),
    operator: m.site_home_operator({}, locale),
    code: m.site_home_code({}, locale),
    checked: m.site_home_checked({}, locale),
    programs: m.site_home_programs({}, locale),
    api: m.site_home_api({}, locale),
    apiText: m.site_home_api_text({}, locale),
    health: m.site_home_health({}, locale),
    healthOpen: m.site_home_health_open({}, locale),
    healthText: m.site_home_health_text({}, locale),
  };
}

export type ErrorWords = { readonly title: string; readonly text: string };

/** What an error page says, by the status or by the page's own reason. */
export function errorWords(language: Language) {
  const locale = { locale: language };
  return {
    missing: { title: m.site_error_404({}, locale), text: m.site_error_404_text({}, locale) },
    demoOff: { title: m.site_error_demo_off({}, locale), text: m.site_error_demo_off_text({}, locale) },
    noOrder: { title: m.site_error_no_order({}, locale), text: m.site_error_no_order_text({}, locale) },
    noLink: { title: m.site_error_no_link({}, locale), text: m.site_error_no_link_text({}, locale) },
    unavailable: { title: m.site_error_503({}, locale), text: m.site_error_503_text({}, locale) },
    other: { title: m.site_error_500({}, locale), text: m.site_error_500_text({}, locale) },
    goHome: m.site_error_home({}, locale),
    tryAgain: m.site_error_again({}, locale),
  };
}
